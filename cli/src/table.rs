//! Tables: columns that line up, no frames, as wide as their content.

use comfy_table::{ContentArrangement, Table, presets};

/// A table with these column heads.
#[derive(Debug)]
pub(crate) struct Columns(Table);

impl Columns {
    pub(crate) fn new<const N: usize>(heads: [&str; N]) -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(heads);
        for column in table.column_iter_mut() {
            column.set_padding((0, 3));
        }
        Self(table)
    }

    /// Pairs of name and value, without heads.
    pub(crate) fn pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        for (name, value) in pairs {
            table.add_row([name.into(), value.into()]);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 3));
        }
        table.trim_fmt()
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.add_row(cells.into_iter().map(|cell| one_line(&cell)).collect::<Vec<_>>());
    }

    pub(crate) fn text(&self) -> String {
        self.0.trim_fmt()
    }
}

/// Names and messages come from outside: no control character may reach a terminal through a table.
fn one_line(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_without_frames() {
        let mut table = Columns::new(["ID", "NAME"]);
        table.row(["0123456789ab".into(), "web".into()]);
        table.row(["1".into(), "a longer name".into()]);
        assert_eq!(table.text(), "ID             NAME\n0123456789ab   web\n1              a longer name");
    }

    #[test]
    fn an_empty_table_still_has_heads() {
        assert_eq!(Columns::new(["ID", "NAME"]).text(), "ID   NAME");
    }

    #[test]
    fn pairs_line_up() {
        assert_eq!(Columns::pairs([("id", "1"), ("longer", "2")]), "id       1\nlonger   2");
    }

    #[test]
    fn no_escape_sequence_reaches_the_terminal() {
        let mut table = Columns::new(["NAME"]);
        table.row(["a\u{1b}[31mb\nc".into()]);
        assert_eq!(table.text(), "NAME\na\u{fffd}[31mb\u{fffd}c");
    }
}
