//! The result of a run as tables to read.
use comfy_table::{Cell, CellAlignment, LineStyle, Table, presets};

use crate::figures::{Figures, Row};
use crate::report::Finding;

#[cfg(test)]
mod tests;

/// One table for the times of calls and one for all else, each with how many times the baseline's figure a peer needs.
pub(crate) fn tables(findings: &[Finding], baseline: usize) -> String {
    let mut text = String::new();
    for finding in findings {
        let Finding { name, runtime, cpu_source, lacking, .. } = finding;
        text += &format!("{name}: {runtime}, CPU time by {cpu_source}");
        if !lacking.is_empty() {
            text += &format!(", lacks {}", lacking.join(", "));
        }
        text.push('\n');
    }
    for table in [times(findings, baseline), states(findings, baseline)].into_iter().flatten() {
        text += &format!("\n{table}\n");
    }
    text
}

/// None if no call was timed.
fn times(findings: &[Finding], baseline: usize) -> Option<Table> {
    let rows = rows(findings, |row| row.samples.is_some());
    let mut header = vec!["ms".to_owned(), "calls".to_owned()];
    for finding in findings {
        header.extend(["p50", "p90", "p99"].map(|percentile| format!("{}\n{percentile}", finding.name)));
    }
    header.extend(
        peers(findings, baseline).map(|peer| format!("{}/{}\np50", peer.name, findings[baseline].name)),
    );

    let mut table = new_table(header);
    for (name, samples) in &rows {
        let mut cells =
            vec![name.to_string(), samples.map(|samples| samples.to_string()).unwrap_or_default()];
        for finding in findings {
            for measure in ["p50_ms", "p90_ms", "p99_ms"] {
                cells.push(number(finding.figures.get(name, measure)));
            }
        }
        let ours = &findings[baseline].figures;
        cells.extend(peers(findings, baseline).map(|peer| ratio(ours, &peer.figures, name, "p50_ms")));
        add_row(&mut table, cells);
    }
    (!rows.is_empty()).then_some(table)
}

/// None if there is nothing but times.
fn states(findings: &[Finding], baseline: usize) -> Option<Table> {
    let mut header = vec![String::new(), String::new()];
    header.extend(findings.iter().map(|finding| finding.name.clone()));
    header.extend(peers(findings, baseline).map(|peer| format!("{}/{}", peer.name, findings[baseline].name)));

    let mut table = new_table(header);
    let rows = rows(findings, |row| row.samples.is_none());
    for (name, _) in &rows {
        for measure in measures(findings, name) {
            let mut cells = vec![name.to_string(), measure.replace('_', " ")];
            cells.extend(findings.iter().map(|finding| number(finding.figures.get(name, measure))));
            let ours = &findings[baseline].figures;
            cells.extend(peers(findings, baseline).map(|peer| ratio(ours, &peer.figures, name, measure)));
            add_row(&mut table, cells);
        }
    }
    (!rows.is_empty()).then_some(table)
}

// === what goes in ===

fn peers(findings: &[Finding], baseline: usize) -> impl Iterator<Item = &Finding> {
    findings.iter().enumerate().filter(move |(at, _)| *at != baseline).map(|(_, peer)| peer)
}

/// Names of the rows that some endpoint has, with the number of samples.
fn rows(findings: &[Finding], wanted: impl Fn(&Row) -> bool) -> Vec<(&str, Option<usize>)> {
    let mut found: Vec<(&str, Option<usize>)> = Vec::new();
    for row in findings.iter().flat_map(|finding| finding.figures.rows()).filter(|row| wanted(row)) {
        if !found.iter().any(|(known, _)| *known == row.name) {
            found.push((&row.name, row.samples));
        }
    }
    found
}

fn measures(findings: &[Finding], row: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for known in findings.iter().flat_map(|finding| finding.figures.rows()).filter(|known| known.name == row)
    {
        for (measure, _) in &known.measures {
            if !found.contains(measure) {
                found.push(*measure);
            }
        }
    }
    found
}

fn ratio(ours: &Figures, theirs: &Figures, row: &str, measure: &str) -> String {
    match (ours.get(row, measure), theirs.get(row, measure)) {
        (Some(ours), Some(theirs)) if ours > 0.0 => format!("{}x", number(Some(theirs / ours))),
        (Some(_), Some(theirs)) if theirs > 0.0 => "∞".to_owned(),
        _ => "–".to_owned(),
    }
}

/// Three digits that mean something.
fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

// === comfy-table ===

fn new_table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(header.into_iter().enumerate().map(|(at, text)| cell(at, text)));
    table
}

fn add_row(table: &mut Table, cells: Vec<String>) {
    table.add_row(cells.into_iter().enumerate().map(|(at, text)| cell(at, text)));
}

/// Names to the left, numbers to the right.
fn cell(column: usize, text: String) -> Cell {
    let side = if column == 0 { CellAlignment::Left } else { CellAlignment::Right };
    Cell::new(text).set_alignment(side)
}
