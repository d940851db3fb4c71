//! The two tables of the text output.
//!
//! In: a report and `now`. Out: text. A cell is as wide as the widest of its column, counted in characters, plus
//! three, at least ten; the last column is padded to eight by itself, so lines end in spaces, as kubeadm's do.
//! Source: kubeadm `certTextPrinter`, Go `text/tabwriter`.

use chrono::{DateTime, Utc};

use super::{ExpirationReport, Row, RowState, residual_time};
use crate::error::Declared as _;
use crate::store::StoreError;

const MINIMUM_WIDTH: usize = 10;
const PADDING: usize = 3;

/// The tables, with an empty line between them.
pub(super) fn render(report: &ExpirationReport, now: DateTime<Utc>) -> String {
    let mut certificates = vec![Line {
        aligned: ["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY"].map(str::to_owned).to_vec(),
        last: "EXTERNALLY MANAGED".to_owned(),
    }];
    certificates.extend(report.certificates.iter().map(|row| Line::of(row, true, now)));
    let mut authorities = vec![Line {
        aligned: ["CERTIFICATE AUTHORITY", "EXPIRES", "RESIDUAL TIME"].map(str::to_owned).to_vec(),
        last: "EXTERNALLY MANAGED".to_owned(),
    }];
    authorities.extend(report.certificate_authorities.iter().map(|row| Line::of(row, false, now)));
    format!("{}\n{}", align(&certificates), align(&authorities))
}

/// One line: the cells that are padded to their column, and the one that ends the line.
struct Line {
    aligned: Vec<String>,
    last: String,
}

impl Line {
    fn of(row: &Row, with_authority: bool, now: DateTime<Utc>) -> Self {
        let prefix = match &row.state {
            RowState::Present => None,
            RowState::Missing => Some("!MISSING!"),
            RowState::Broken(fault) if StoreError::declares(fault.code) => Some("!UNREADABLE!"),
            RowState::Broken(_) => Some("!CORRUPT!"),
        };
        let blanks = std::iter::repeat_n(String::new(), if with_authority { 3 } else { 2 });
        match (prefix, row.expires_at, row.residual_seconds(now)) {
            (None, Some(end), Some(seconds)) => {
                let mut aligned =
                    vec![row.name.clone(), end.format("%b %d, %Y %H:%M UTC").to_string(), residual_time(seconds)];
                if with_authority {
                    aligned.push(row.ca_name.clone().unwrap_or_default());
                }
                Self { aligned, last: format!("{:<8}", if row.externally_managed { "yes" } else { "no" }) }
            }
            (prefix, ..) => {
                let name = prefix.map_or_else(|| row.name.clone(), |prefix| format!("{prefix} {}", row.name));
                Self { aligned: std::iter::once(name).chain(blanks).collect(), last: String::new() }
            }
        }
    }
}

fn align(lines: &[Line]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for line in lines {
        widths.resize(widths.len().max(line.aligned.len()), MINIMUM_WIDTH);
        for (width, cell) in widths.iter_mut().zip(&line.aligned) {
            *width = (*width).max(cell.chars().count().saturating_add(PADDING));
        }
    }
    let mut text = String::new();
    for line in lines {
        for (width, cell) in widths.iter().zip(&line.aligned) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
        text.push_str(&line.last);
        text.push('\n');
    }
    text
}
