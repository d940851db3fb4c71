//! Aligned columns.

use crate::text::printable;

/// What is between two columns.
const GAP: &str = "   ";

/// Aligned columns without spaces at the ends of lines, and without a line break at the end; cells are escaped.
///
/// ```
/// let text = kubepki::report::table(["NAME", "STATE"], [["ca", "ok"], ["apiserver", ""]]);
/// assert_eq!(text, "NAME        STATE\nca          ok\napiserver");
/// ```
#[must_use]
pub fn table<const N: usize, C: AsRef<str>>(header: [&str; N], rows: impl IntoIterator<Item = [C; N]>) -> String {
    let shown = |row: [C; N]| row.map(|cell| printable(cell.as_ref()).into_owned());
    let lines: Vec<[String; N]> =
        std::iter::once(header.map(str::to_owned)).chain(rows.into_iter().map(shown)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let padded = |line: &[String; N]| {
        let cells: Vec<_> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join(GAP).trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}
