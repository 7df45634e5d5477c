//! Compiles the protocols without a system `protoc`.
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=cri");
    println!("cargo::rerun-if-changed=monitor");
    println!("cargo::rerun-if-changed=record");
    let files = ["cri/api.proto", "monitor/monitor.proto", "record/record.proto"];
    let descriptors = protox::compile(files, ["."])?;
    tonic_prost_build::configure()
        // Registry secrets must never reach a log: these two get a hand-written Debug in src/redact.rs.
        .skip_debug([".runtime.v1.AuthConfig"])
        .include_file("protocols.rs")
        .compile_fds(descriptors)?;
    Ok(())
}
