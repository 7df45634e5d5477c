//! Tests of hosts.toml.
