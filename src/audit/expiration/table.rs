//! The two tables of the text output.
//!
//! In: what a report says at a moment. Out: text. A cell is as wide as the widest of its column, counted in characters, plus
//! three, at least ten; the last column is padded to eight by itself, so lines end in spaces, as kubeadm's do.
//! Source: kubeadm `certTextPrinter`, Go `text/tabwriter`.

use super::{Document, Entry, residual_time};
use crate::error::Declared as _;
use crate::store::StoreError;

const MINIMUM_WIDTH: usize = 10;
const PADDING: usize = 3;

/// The tables, with an empty line between them.
pub(super) fn render(report: &Document) -> String {
    let mut certificates = vec![Line {
        aligned: ["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY"].map(str::to_owned).to_vec(),
        last: "EXTERNALLY MANAGED".to_owned(),
    }];
    certificates.extend(report.certificates.iter().map(|row| Line::of(row, true)));
    let mut authorities = vec![Line {
        aligned: ["CERTIFICATE AUTHORITY", "EXPIRES", "RESIDUAL TIME"].map(str::to_owned).to_vec(),
        last: "EXTERNALLY MANAGED".to_owned(),
    }];
    authorities.extend(report.certificate_authorities.iter().map(|row| Line::of(row, false)));
    format!("{}\n{}", align(&certificates), align(&authorities))
}

/// One line: the cells that are padded to their column, and the one that ends the line.
struct Line {
    aligned: Vec<String>,
    last: String,
}

impl Line {
    fn of(row: &Entry, with_authority: bool) -> Self {
        let prefix = match &row.error {
            _ if row.missing => Some("!MISSING!"),
            Some(error) if StoreError::declares(error.code) => Some("!UNREADABLE!"),
            Some(_) => Some("!CORRUPT!"),
            None => None,
        };
        let blanks = std::iter::repeat_n(String::new(), if with_authority { 3 } else { 2 });
        match (prefix, row.expiration_date) {
            (None, Some(end)) => {
                let ends = end.format("%b %d, %Y %H:%M UTC").to_string();
                let mut aligned = vec![row.name.clone(), ends, residual_time(row.residual_time)];
                if with_authority {
                    aligned.push(row.ca_name.clone().unwrap_or_default());
                }
                Self { aligned, last: format!("{:<8}", if row.externally_managed { "yes" } else { "no" }) }
            }
            (prefix, _) => {
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
