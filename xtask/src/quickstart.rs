//! Builds the product and shows it at work.

use anyhow::Result;

use crate::command::{build_product, program, run};

pub(crate) fn quickstart(debug: bool, arguments: &[String]) -> Result<()> {
    let binaries = build_product(!debug, &[])?;
    let mut show = program(binaries.join("berth"));
    show.arg("quickstart").args(arguments);
    run(show)
}
