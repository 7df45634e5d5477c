//! Names, numbers and types of CRI are Kubernetes' to change, not ours: cri.golden pins them all.
//!
//! `UPDATE_EXPECT=1 cargo test -p proto` rewrites the file; read the difference line by line, for every line that
//! vanishes from it is a kubelet that no longer understands us.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};

const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cri.golden");
const PACKAGE: &str = ".runtime.v1.";

#[test]
fn names_numbers_and_types_are_those_of_the_golden_file() {
    let found = contract();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(GOLDEN, found.join("\n") + "\n").unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    let expected: BTreeSet<&str> = golden.lines().collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let lost: Vec<_> = expected.difference(&found).collect();
    let added: Vec<_> = found.difference(&expected).collect();
    assert!(lost.is_empty() && added.is_empty(), "lost: {lost:#?}\nnot in cri.golden: {added:#?}");
}

#[test]
fn every_call_is_there() {
    let found = contract();
    let calls = |service: &str| found.iter().filter(|line| line.starts_with(service)).count();
    assert_eq!(calls("call RuntimeService."), 37);
    assert_eq!(calls("call ImageService."), 6);
}

#[test]
fn environment_values_are_bytes() {
    assert!(contract().contains(&"field KeyValue.value = 2: bytes".to_owned()));
}

/// One line for each call, field and enum value of runtime.v1, messages in alphabetical order, fields by number.
fn contract() -> Vec<String> {
    let set = FileDescriptorSet::decode(COMPILED).unwrap();
    let files = || set.file.iter().filter(|file| file.package() == "runtime.v1");
    let mut services: Vec<_> = files().flat_map(|file| &file.service).collect();
    let mut messages: Vec<_> = files().flat_map(|file| &file.message_type).collect();
    let mut enums: Vec<_> = files().flat_map(|file| &file.enum_type).collect();
    services.sort_by_key(|service| service.name());
    messages.sort_by_key(|message| message.name());
    enums.sort_by_key(|list| list.name());

    let mut lines = Vec::new();
    services.iter().for_each(|service| service_lines(service, &mut lines));
    messages.iter().for_each(|message| message_lines(message, &mut lines));
    enums.iter().for_each(|list| enum_lines("", list, &mut lines));
    lines
}

fn service_lines(service: &ServiceDescriptorProto, lines: &mut Vec<String>) {
    let mut calls: Vec<_> = service.method.iter().collect();
    calls.sort_by_key(|call| call.name());
    for call in calls {
        let streams = |yes| if yes { "stream " } else { "" };
        lines.push(format!(
            "call {}.{}({}{}) -> {}{}",
            service.name(),
            call.name(),
            streams(call.client_streaming()),
            short(call.input_type()),
            streams(call.server_streaming()),
            short(call.output_type()),
        ));
    }
}

fn message_lines(message: &DescriptorProto, lines: &mut Vec<String>) {
    lines.push(format!("message {}", message.name()));
    let mut fields: Vec<_> = message.field.iter().collect();
    fields.sort_by_key(|field| field.number());
    for field in fields {
        let deprecated = field.options.as_ref().is_some_and(|options| options.deprecated());
        lines.push(format!(
            "field {}.{} = {}: {}{}",
            message.name(),
            field.name(),
            field.number(),
            type_of(message, field),
            if deprecated { ", deprecated" } else { "" },
        ));
    }
    for list in &message.enum_type {
        enum_lines(&format!("{}.", message.name()), list, lines);
    }
}

fn enum_lines(outer: &str, list: &EnumDescriptorProto, lines: &mut Vec<String>) {
    for value in &list.value {
        lines.push(format!("value {outer}{}.{} = {}", list.name(), value.name(), value.number()));
    }
}

fn type_of(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let plain = plain_type(field);
    let entry = message.nested_type.iter().find(|nested| plain.ends_with(&format!(".{}", nested.name())));
    if let Some(entry) = entry {
        return format!("map<{}, {}>", plain_type(&entry.field[0]), plain_type(&entry.field[1]));
    }
    if field.label() == Label::Repeated { format!("repeated {plain}") } else { plain }
}

fn plain_type(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => short(field.type_name()).to_owned(),
        // "TYPE_INT64".
        scalar => scalar.as_str_name()["TYPE_".len()..].to_lowercase(),
    }
}

fn short(type_name: &str) -> &str {
    type_name.strip_prefix(PACKAGE).unwrap_or(type_name)
}
