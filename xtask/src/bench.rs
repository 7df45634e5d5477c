//! Builds the product and the bench with optimisation and runs the bench.

use anyhow::Result;

use crate::command::{build_product, program, run};

pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let binaries = build_product(true, &["--package", "bench"])?;
    let mut bench = program(binaries.join("berth-bench"));
    bench.args(arguments);
    run(bench)
}
