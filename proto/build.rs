//! Compiles the protocols without a system `protoc`.
use std::error::Error;
use std::path::PathBuf;

use protox::prost_reflect::prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=berth");
    println!("cargo::rerun-if-changed=cri");
    println!("cargo::rerun-if-changed=monitor");
    println!("cargo::rerun-if-changed=record");
    let files = ["berth/berth.proto", "cri/api.proto", "monitor/monitor.proto", "record/record.proto"];
    let descriptors = protox::compile(files, ["."])?;
    // tests/contract.rs holds what was compiled against what Kubernetes fixes.
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // What carries secrets gets a hand-written Debug in src/redact.rs.
        .skip_debug([
            ".runtime.v1.AuthConfig",
            ".runtime.v1.KeyValue",
            ".runtime.v1.ExecResponse",
            ".runtime.v1.AttachResponse",
            ".runtime.v1.PortForwardResponse",
            ".berth.monitor.v1.Process",
        ])
        .include_file("protocols.rs")
        .compile_fds(descriptors)?;
    Ok(())
}
