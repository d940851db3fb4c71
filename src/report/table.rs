//! Aligned columns, as wide as their cells or as the terminal.

use crate::text::printable;

/// What is between two columns.
const GAP: &str = "   ";

/// What stands for the rest of a cell.
const CUT: char = '…';

/// A column that is no wider is never cut: a moment has to be read as a whole.
const WHOLE: usize = 22;

/// No column is cut to less.
const LEAST: usize = 12;

/// Aligned columns without spaces at the ends of lines, and without a line break at the end; cells are escaped.
///
/// With a `width`, no line is longer: wide cells are cut, then the last columns go, and a line below names them. The first column,
/// which says what the line is about, stays whole.
///
/// ```
/// use kubepki::report::table;
/// let text = table(None, ["NAME", "STATE"], [["ca", "ok"], ["apiserver", ""]]);
/// assert_eq!(text, "NAME        STATE\nca          ok\napiserver");
/// let rows = [["ca", "it is signed by another"], ["apiserver", ""]];
/// let text = table(Some(24), ["NAME", "REASON"], rows);
/// assert_eq!(text, "NAME        REASON\nca          it is signe…\napiserver");
/// ```
#[must_use]
pub fn table<const N: usize, C: AsRef<str>>(
    width: Option<usize>,
    header: [&str; N],
    rows: impl IntoIterator<Item = [C; N]>,
) -> String {
    let shown = |row: [C; N]| row.map(|cell| printable(cell.as_ref()).into_owned());
    let lines: Vec<[String; N]> =
        std::iter::once(header.map(str::to_owned)).chain(rows.into_iter().map(shown)).collect();
    let natural: [usize; N] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0));
    let widths = width.map_or_else(|| natural.to_vec(), |width| fit(&natural, width));
    let padded = |line: &[String; N]| {
        let cells: Vec<_> =
            line.iter().zip(&widths).map(|(cell, &width)| format!("{:width$}", cut(cell, width))).collect();
        cells.join(GAP).trim_end().to_owned()
    };
    let without_room: Vec<_> = header.into_iter().skip(widths.len()).filter(|name| !name.is_empty()).collect();
    let gone = width
        .filter(|_| !without_room.is_empty())
        .map(|width| cut(&format!("a wider terminal also shows {}", without_room.join(", ")), width));
    lines.iter().map(padded).chain(gone).collect::<Vec<_>>().join("\n")
}

/// The widths of the columns that have room: the wide ones are cut first, the widest most; then the last one goes.
fn fit(natural: &[usize], width: usize) -> Vec<usize> {
    let needs = |widths: &[usize]| widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
    let mut widths = natural.to_vec();
    while needs(&widths) > width {
        let may_be_cut = |column: &usize| natural[*column] > WHOLE && widths[*column] > LEAST;
        match (1..widths.len()).filter(may_be_cut).max_by_key(|column| widths[*column]) {
            Some(column) => widths[column] -= 1,
            None if widths.len() > 1 => widths = natural[..widths.len() - 1].to_vec(),
            None => break,
        }
    }
    widths
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    cell.chars().take(width.saturating_sub(1)).chain([CUT]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [[&str; 3]; 2] =
        [["apiserver-kubelet-client", "CN=kube-apiserver-kubelet-client", "renew"], ["ca", "CN=kubernetes", "keep"]];

    #[test]
    fn a_table_that_fits_is_not_cut() {
        let header = ["NAME", "SUBJECT", "ACTION"];
        assert_eq!(table(Some(68), header, ROWS), table(None, header, ROWS));
        assert!(table(Some(67), header, ROWS).contains('…'));
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_and_names_stay_whole() {
        let text = table(Some(50), ["NAME", "SUBJECT", "ACTION"], ROWS);
        assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
        assert!(text.contains("apiserver-kubelet-client   CN=kube-"), "{text}");
    }

    #[test]
    fn a_column_that_has_no_room_goes_and_a_moment_is_never_cut() {
        let rows = [["ca", "2036-11-24 01:40 UTC", "CN=kubernetes"]];
        let text = table(Some(40), ["NAME", "EXPIRES", "SUBJECT"], rows);
        assert_eq!(text, "NAME   EXPIRES\nca     2036-11-24 01:40 UTC\na wider terminal also shows SUBJECT");
    }

    #[test]
    fn a_terminal_of_no_width_still_shows_something() {
        let text = table(Some(0), ["NAME", "SUBJECT", "ACTION"], ROWS);
        assert_eq!(text, "NAME\napiserver-kubelet-client\nca\n…");
    }
}
