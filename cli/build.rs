//! Compiles the program of `berth quickstart`'s image, so that `berth` carries it.
use std::{env, error::Error, path::PathBuf, process::Command};

const SOURCE: &str = "demo/demo.rs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    let variable = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
    let program = PathBuf::from(variable("OUT_DIR")?).join("demo");
    #[expect(clippy::disallowed_methods, reason = "a compiler run at build time needs no clean descriptors")]
    let mut compiler = Command::new(variable("RUSTC")?);
    compiler.args(["--edition", "2024", "--crate-name", "demo", "--crate-type", "bin"]);
    compiler.args(["--target", &variable("TARGET")?]);
    // It must run in an image that holds nothing else, and be small enough to carry.
    for option in [
        "target-feature=+crt-static",
        "opt-level=s",
        "panic=abort",
        "lto",
        "codegen-units=1",
        "strip=symbols",
    ] {
        compiler.args(["-C", option]);
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        compiler.args(["-C", &format!("linker={linker}")]);
    }
    let status = compiler.arg("-o").arg(&program).arg(SOURCE).status()?;
    if !status.success() {
        return Err(format!("{SOURCE}: {status}").into());
    }
    Ok(())
}
