//! nf_tables messages: a ruleset, map elements and what brackets a transaction.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
    nftables::{
        ChainAttribute, ChainMessage, Hook as HookAttribute, HookNumber, NfTablesMessage, RuleAttribute,
        RuleMessage, SetAttribute, SetElementList, SetElementMessage, SetFlags, SetMessage, TableAttribute,
        TableMessage,
    },
    none::ControlMessage,
};

use super::{
    element, expression,
    ports::{Claim, Key},
    ruleset::{Chain, Hook, PORTS, PORTS_BY_ADDRESS, Rule, Ruleset},
};
use crate::netlink::Request;

/// `NFNL_SUBSYS_NFTABLES`: what a transaction is about.
const NFTABLES: u16 = 10;
const NF_ACCEPT: u32 = 1;
/// Data types of nft(8) for a map's key and value; the kernel only keeps them. Six bits each, first field highest.
const IPV4_ADDR: u32 = 7;
const INET_PROTO: u32 = 12;
const INET_SERVICE: u32 = 13;
/// Bytes of one field.
const FIELD: u32 = 4;
/// Elements in one message, at most about 120 bytes each: an attribute holds 64 KiB.
const CHUNK: usize = 256;

pub(super) fn begin() -> Request {
    control("begin an nftables transaction", ControlMessage::BatchBegin)
}

pub(super) fn end() -> Request {
    control("end an nftables transaction", ControlMessage::BatchEnd)
}

fn control(what: &str, message: ControlMessage) -> Request {
    let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, NFTABLES);
    Request::new(what, &NetfilterMessage::new(header, message), 0)
}

fn request(what: String, message: NfTablesMessage, flags: u16) -> Request {
    let header = NetfilterHeader::new(NetfilterProtoFamily::Inet, 0, 0);
    Request::new(what, &NetfilterMessage::new(header, NetfilterMessageInner::from(message)), flags)
}

/// Makes the table what `ruleset` says, whatever rules it had. Elements of the maps stay.
pub(super) fn install(ruleset: &Ruleset) -> Vec<Request> {
    let table = &ruleset.table;
    let name = TableAttribute::Name(table.clone());
    let new_table = NfTablesMessage::NewTable(TableMessage { attributes: vec![name] });
    let mut out = vec![request(format!("create nftables table inet {table}"), new_table, NLM_F_CREATE)];
    out.push(flush(table));
    out.push(new_map(table, PORTS, 1, &[INET_PROTO, INET_SERVICE]));
    out.push(new_map(table, PORTS_BY_ADDRESS, 2, &[IPV4_ADDR, INET_PROTO, INET_SERVICE]));
    out.extend(ruleset.chains.iter().map(|chain| new_chain(table, chain)));
    for chain in &ruleset.chains {
        out.extend(chain.rules.iter().map(|rule| new_rule(table, chain.name, rule)));
    }
    out
}

/// Asks for the table, for [`crate::netlink::Connection::get`].
pub(super) fn get_table(table: &str) -> Request {
    let attributes = vec![TableAttribute::Name(table.to_owned())];
    let message = NfTablesMessage::GetTable(TableMessage { attributes });
    request(format!("look up nftables table inet {table}"), message, 0)
}

/// Deletes the table with all in it.
pub(super) fn delete_table(table: &str) -> Request {
    let attributes = vec![TableAttribute::Name(table.to_owned())];
    let message = NfTablesMessage::DeleteTable(TableMessage { attributes });
    request(format!("delete nftables table inet {table}"), message, 0)
}

/// Deletes all rules of all chains of the table.
fn flush(table: &str) -> Request {
    let attributes = vec![RuleAttribute::Table(table.to_owned())];
    let message = NfTablesMessage::DeleteRule(RuleMessage { attributes });
    request(format!("flush the rules of nftables table inet {table}"), message, 0)
}

fn new_map(table: &str, name: &str, id: u32, fields: &[u32]) -> Request {
    let data_type = [IPV4_ADDR, INET_SERVICE];
    let attributes = vec![
        SetAttribute::Table(table.to_owned()),
        SetAttribute::Name(name.to_owned()),
        SetAttribute::Id(id),
        SetAttribute::Flags(SetFlags::Map),
        SetAttribute::KeyType(concatenated(fields)),
        SetAttribute::KeyLen(fields.len() as u32 * FIELD),
        SetAttribute::DataType(concatenated(&data_type)),
        SetAttribute::DataLen(data_type.len() as u32 * FIELD),
    ];
    let message = NfTablesMessage::NewSet(SetMessage { attributes });
    request(format!("create nftables map {name}"), message, NLM_F_CREATE)
}

fn concatenated(types: &[u32]) -> u32 {
    types.iter().fold(0, |all, one| all << 6 | one)
}

fn new_chain(table: &str, chain: &Chain) -> Request {
    let mut attributes =
        vec![ChainAttribute::Table(table.to_owned()), ChainAttribute::Name(chain.name.to_owned())];
    if let Some(Hook { kind, place, priority }) = chain.hook {
        let hook = vec![
            HookAttribute::Number(HookNumber::Other(place as u32)),
            HookAttribute::Priority(priority.cast_unsigned()),
        ];
        attributes.push(ChainAttribute::Hook(hook));
        attributes.push(ChainAttribute::Policy(NF_ACCEPT));
        attributes.push(ChainAttribute::Type(kind.to_owned()));
    }
    let message = NfTablesMessage::NewChain(ChainMessage { attributes });
    request(format!("create nftables chain {}", chain.name), message, NLM_F_CREATE)
}

fn new_rule(table: &str, chain: &str, rule: &Rule) -> Request {
    let attributes = vec![
        RuleAttribute::Table(table.to_owned()),
        RuleAttribute::Chain(chain.to_owned()),
        RuleAttribute::Expressions(expression::lower(rule)),
    ];
    let message = NfTablesMessage::NewRule(RuleMessage { attributes });
    // NLM_F_APPEND (0x800): behind the rules before it.
    const APPEND: u16 = netlink_packet_core::NLM_F_APPEND;
    request(format!("add nftables rule '{rule}' to chain {chain}"), message, NLM_F_CREATE | APPEND)
}

/// Adds elements; the kernel answers EEXIST if one of the keys is there already.
pub(super) fn add_elements(table: &str, elements: &[(Key, Claim)]) -> Vec<Request> {
    by_map(
        elements,
        |(key, _)| key,
        |map, some| {
            let list = some.iter().map(|(key, claim)| element::encode(key, claim)).collect();
            let message = NfTablesMessage::NewSetElement(SetElementMessage {
                attributes: named(table, map, Some(list)),
            });
            request(format!("add {} hostPorts", some.len()), message, NLM_F_CREATE | NLM_F_EXCL)
        },
    )
}

/// Deletes elements; the kernel answers ENOENT if one of the keys is not there.
pub(super) fn delete_elements(table: &str, keys: &[Key]) -> Vec<Request> {
    by_map(
        keys,
        |key| key,
        |map, some| {
            let list = some.iter().map(|key| element::encode_key(key)).collect();
            let message = NfTablesMessage::DeleteSetElement(SetElementMessage {
                attributes: named(table, map, Some(list)),
            });
            request(format!("delete {} hostPorts", some.len()), message, 0)
        },
    )
}

/// Lists the elements of a map, for [`crate::netlink::Connection::dump`].
pub(super) fn list_elements(table: &str, map: &str) -> Request {
    let message = NfTablesMessage::GetSetElement(SetElementMessage { attributes: named(table, map, None) });
    request(format!("list nftables map {map}"), message, 0)
}

type Elements = Vec<
    netlink_packet_netfilter::nftables::ListAttribute<
        netlink_packet_netfilter::nftables::SetElementAttribute,
    >,
>;

fn named(table: &str, map: &str, elements: Option<Elements>) -> Vec<SetElementList> {
    let mut attributes = vec![SetElementList::Table(table.to_owned()), SetElementList::Set(map.to_owned())];
    attributes.extend(elements.map(SetElementList::Elements));
    attributes
}

/// One message holds elements of one map.
fn by_map<T>(
    all: &[T],
    key: impl Fn(&T) -> &Key,
    make: impl Fn(&'static str, &[&T]) -> Request,
) -> Vec<Request> {
    let mut out = Vec::new();
    for map in [PORTS, PORTS_BY_ADDRESS] {
        let some: Vec<&T> = all.iter().filter(|one| element::map_of(key(one)) == map).collect();
        out.extend(some.chunks(CHUNK).map(|chunk| make(map, chunk)));
    }
    out
}
