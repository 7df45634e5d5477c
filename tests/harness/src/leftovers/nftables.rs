//! Objects of one nftables table, of whatever family: chains, rules, sets and their elements.

use std::hash::{Hash, Hasher};

use crate::{
    Result,
    netlink::{Attributes, first, name, nft, nft_dump, parse},
};

// Attribute numbers of <linux/netfilter/nf_tables.h>.
const TABLE_NAME: u16 = 1;
const CHAIN_NAME: u16 = 3;
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
const SET_NAME: u16 = 2;
const LIST_TABLE: u16 = 1;
const LIST_SET: u16 = 2;
const LIST_ELEMENTS: u16 = 3;
const ELEMENT_KEY: u16 = 1;
const DATA_VALUE: u16 = 1;
/// The table's name is attribute 1 of chains, rules and sets alike.
const OWNER: u16 = 1;

pub(super) fn list(table: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for family in families(table)? {
        let place = format!("nftables table {table} of family {family}");
        found.push(place.clone());
        let only = || Attributes::new().text(OWNER, table);
        for object in objects(nft::GET_CHAIN, family, &only(), table)? {
            found.push(format!("{place}: chain {}", text(&object, CHAIN_NAME)));
        }
        for (number, object) in objects(nft::GET_RULE, family, &only(), table)?.iter().enumerate() {
            // By what it does: a daemon that starts again writes its rules anew, and the kernel numbers them anew.
            let does = first(&parse(object), RULE_EXPRESSIONS).map(digest).unwrap_or_default();
            found
                .push(format!("{place}: rule {does:016x} at {number} in chain {}", text(object, RULE_CHAIN)));
        }
        for object in objects(nft::GET_SET, family, &only(), table)? {
            let set = text(&object, SET_NAME);
            found.push(format!("{place}: set {set}"));
            found.extend(
                elements(family, table, &set)?
                    .into_iter()
                    .map(|key| format!("{place}: element {key} of set {set}")),
            );
        }
    }
    Ok(found)
}

/// The families that have a table of this name.
pub(super) fn families(table: &str) -> Result<Vec<u8>> {
    let tables = nft_dump(nft::GET_TABLE, 0, &Attributes::new())?;
    Ok(tables
        .into_iter()
        .filter(|(_, body)| text(body, TABLE_NAME) == table)
        .map(|(family, _)| family)
        .collect())
}

/// Older kernels ignore the filter, so the owner is looked at again.
fn objects(kind: u16, family: u8, filter: &Attributes, table: &str) -> Result<Vec<Vec<u8>>> {
    let found = nft_dump(kind, family, filter)?;
    Ok(found
        .into_iter()
        .filter(|(own, body)| *own == family && text(body, OWNER) == table)
        .map(|(_, body)| body)
        .collect())
}

fn elements(family: u8, table: &str, set: &str) -> Result<Vec<String>> {
    let which = Attributes::new().text(LIST_TABLE, table).text(LIST_SET, set);
    let mut keys = Vec::new();
    for (_, body) in nft_dump(nft::GET_ELEMENT, family, &which)? {
        let attributes = parse(&body);
        for (_, element) in parse(first(&attributes, LIST_ELEMENTS).unwrap_or_default()) {
            let element = parse(element);
            // The key is wrapped once more: it could be a verdict instead of a value.
            let key = first(&element, ELEMENT_KEY).and_then(|key| first(&parse(key), DATA_VALUE));
            keys.push(key.map_or_else(|| "catch-all".to_owned(), hex));
        }
    }
    Ok(keys)
}

fn text(body: &[u8], kind: u16) -> String {
    first(&parse(body), kind).map(name).unwrap_or_default()
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
