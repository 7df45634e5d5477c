//! Lowers a rule of [`super::ruleset`] to the expressions of the kernel's nftables machine.
//!
//! Registers are 4 bytes each, numbered from 8 (`NFT_REG32_00`); register 1 is the first four of them. A key or value made of
//! several fields lies in consecutive registers, each field padded to 4 bytes.

use ipnet::Ipv4Net;
use netlink_packet_core::DefaultNla;
use netlink_packet_netfilter::nftables::{
    Bitwise, Cmp, DataAttribute, ExpressionAttribute, Expressions, Immediate, ListAttribute, Lookup, Meta,
    MetaKey, Operator, Payload, Register, Verdict, VerdictAttribute,
};

use super::ruleset::{Action, Match, PORTS, PORTS_BY_ADDRESS, Rule};
use crate::ids::IfName;

pub(super) type Expression = ListAttribute<ExpressionAttribute>;

/// `IFNAMSIZ`: names are compared with their padding.
const NAME_SIZE: usize = 16;
const NFPROTO_IPV4: u8 = 2;
const NF_DROP: u32 = 0;
const NF_ACCEPT: u32 = 1;
/// `NFT_PAYLOAD_NETWORK_HEADER`, and where IPv4 has its addresses.
const NETWORK: u32 = 1;
const IPV4_SOURCE: u32 = 12;
const IPV4_DESTINATION: u32 = 16;
/// `NFT_PAYLOAD_TRANSPORT_HEADER`, and where TCP, UDP and SCTP all have the destination port.
const TRANSPORT: u32 = 2;
const DESTINATION_PORT: u32 = 2;

/// The expressions of a rule, in order.
pub(super) fn lower(rule: &Rule) -> Vec<Expression> {
    let mut out = Vec::new();
    // The table is `inet`: before bytes of an IPv4 header are read, the packet must be known to have one. Where nft(8) does
    // not print this, it is because it puts it there itself.
    let mut known = false;
    let mut require_ipv4 = |out: &mut Vec<Expression>| {
        if !std::mem::replace(&mut known, true) {
            out.extend([
                meta(MetaKey::Nfproto, Register::Reg1),
                compare(Operator::Equal, vec![NFPROTO_IPV4]),
            ]);
        }
    };
    for one in &rule.matches {
        if matches!(one, Match::Ipv4 | Match::Source(_) | Match::Destination(_) | Match::DestinationOther(_))
        {
            require_ipv4(&mut out);
        }
        lower_match(one, &mut out);
    }
    if rule.action == Action::DnatByAddress {
        require_ipv4(&mut out);
    }
    lower_action(rule.action, &mut out);
    out
}

fn lower_match(one: &Match, out: &mut Vec<Expression>) {
    match one {
        Match::Ipv4 => {}
        Match::InterfaceIn(name) => {
            out.extend([meta(MetaKey::Iifname, Register::Reg1), compare(Operator::Equal, padded(name))]);
        }
        Match::InterfaceOut(name) => {
            out.extend([meta(MetaKey::Oifname, Register::Reg1), compare(Operator::Equal, padded(name))]);
        }
        Match::InterfaceOutOther(name) => {
            out.extend([meta(MetaKey::Oifname, Register::Reg1), compare(Operator::NotEqual, padded(name))]);
        }
        Match::Source(net) => address_in(IPV4_SOURCE, *net, Operator::Equal, out),
        Match::Destination(net) => address_in(IPV4_DESTINATION, *net, Operator::Equal, out),
        Match::DestinationOther(net) => address_in(IPV4_DESTINATION, *net, Operator::NotEqual, out),
        Match::DestinationLocal => {
            const RTN_LOCAL: u32 = 2;
            out.extend([fib_destination_type(), compare(Operator::Equal, RTN_LOCAL.to_ne_bytes().to_vec())]);
        }
        Match::DestinationChanged => {
            const IPS_DST_NAT: u32 = 1 << 5;
            out.extend([conntrack_status(), mask(IPS_DST_NAT.to_ne_bytes())]);
            out.push(compare(Operator::NotEqual, vec![0; 4]));
        }
    }
}

fn lower_action(action: Action, out: &mut Vec<Expression>) {
    match action {
        Action::Accept => out.push(verdict(vec![VerdictAttribute::Code(Verdict::Other(NF_ACCEPT))])),
        Action::Drop => out.push(verdict(vec![VerdictAttribute::Code(Verdict::Other(NF_DROP))])),
        Action::Jump(chain) => out.push(verdict(vec![
            VerdictAttribute::Code(Verdict::Jump),
            VerdictAttribute::Chain(chain.to_owned()),
        ])),
        Action::Masquerade => out.push(masquerade(None)),
        Action::MasqueradeRandom => {
            const NF_NAT_RANGE_PROTO_RANDOM_FULLY: u32 = 1 << 4;
            out.push(masquerade(Some(NF_NAT_RANGE_PROTO_RANDOM_FULLY)));
        }
        Action::DnatByPort => {
            out.push(meta(MetaKey::L4Proto, Register::Reg32_00));
            out.push(load(TRANSPORT, DESTINATION_PORT, 2, Register::Reg32_01));
            out.extend([look_up(PORTS), dnat()]);
        }
        Action::DnatByAddress => {
            out.push(load(NETWORK, IPV4_DESTINATION, 4, Register::Reg32_00));
            out.push(meta(MetaKey::L4Proto, Register::Reg32_01));
            out.push(load(TRANSPORT, DESTINATION_PORT, 2, Register::Reg32_02));
            out.extend([look_up(PORTS_BY_ADDRESS), dnat()]);
        }
    }
}

fn address_in(offset: u32, net: Ipv4Net, operator: Operator, out: &mut Vec<Expression>) {
    out.push(load(NETWORK, offset, 4, Register::Reg1));
    out.push(mask(net.netmask().octets()));
    out.push(compare(operator, net.network().octets().to_vec()));
}

fn padded(name: &IfName) -> Vec<u8> {
    let mut bytes = name.as_str().as_bytes().to_vec();
    bytes.resize(NAME_SIZE, 0);
    bytes
}

// === one expression each ===

fn meta(key: MetaKey, to: Register) -> Expression {
    Expressions::Meta(vec![Meta::Key(key), Meta::DestinationRegister(to)]).into()
}

fn load(base: u32, offset: u32, length: u32, to: Register) -> Expression {
    Expressions::Payload(vec![
        Payload::DestinationRegister(to),
        Payload::Base(base),
        Payload::Offset(offset),
        Payload::Len(length),
    ])
    .into()
}

/// Register 1 = register 1 & `mask`.
fn mask(mask: [u8; 4]) -> Expression {
    Expressions::Bitwise(vec![
        Bitwise::SourceRegister(Register::Reg1),
        Bitwise::DestinationRegister(Register::Reg1),
        Bitwise::Length(4),
        Bitwise::Mask(DataAttribute::Value(mask.to_vec())),
        Bitwise::Xor(DataAttribute::Value(vec![0; 4])),
    ])
    .into()
}

/// Goes on if register 1 compares so.
fn compare(operator: Operator, data: Vec<u8>) -> Expression {
    Expressions::Cmp(vec![
        Cmp::SourceRegister(Register::Reg1),
        Cmp::Op(operator),
        Cmp::Data(DataAttribute::Value(data)),
    ])
    .into()
}

/// Goes on if the key at register 1 is in the map; its value takes the key's place.
fn look_up(map: &str) -> Expression {
    Expressions::Lookup(vec![
        Lookup::Set(map.to_owned()),
        Lookup::SourceRegister(Register::Reg1),
        Lookup::DestinationRegister(Register::Reg1),
    ])
    .into()
}

fn verdict(attributes: Vec<VerdictAttribute>) -> Expression {
    Expressions::Immediate(vec![
        Immediate::DestinationRegister(Register::Verdict),
        Immediate::Data(DataAttribute::Verdict(attributes)),
    ])
    .into()
}

/// An expression the library has no type for: attributes are numbers, big-endian (`linux/netfilter/nf_tables.h`).
fn other(name: &str, attributes: &[(u16, u32)]) -> Expression {
    let attributes =
        attributes.iter().map(|(kind, value)| DefaultNla::new(*kind, value.to_be_bytes().to_vec()));
    Expressions::Other { expression_type: name.to_owned(), attributes: attributes.collect() }.into()
}

/// Register 1 = type of the destination address, as routing sees it.
fn fib_destination_type() -> Expression {
    const DREG: u16 = 1;
    const RESULT: u16 = 2;
    const FLAGS: u16 = 3;
    const RESULT_ADDRTYPE: u32 = 3;
    const F_DADDR: u32 = 2;
    other("fib", &[(DREG, Register::Reg1.into()), (RESULT, RESULT_ADDRTYPE), (FLAGS, F_DADDR)])
}

/// Register 1 = status bits of the connection.
fn conntrack_status() -> Expression {
    const DREG: u16 = 1;
    const KEY: u16 = 2;
    const CT_STATUS: u32 = 2;
    other("ct", &[(DREG, Register::Reg1.into()), (KEY, CT_STATUS)])
}

fn masquerade(flags: Option<u32>) -> Expression {
    const FLAGS: u16 = 1;
    other("masq", flags.map(|flags| (FLAGS, flags)).as_slice())
}

/// Destination = IPv4 address in register 1, port in the one after it.
fn dnat() -> Expression {
    const TYPE: u16 = 1;
    const FAMILY: u16 = 2;
    const ADDRESS: u16 = 3;
    const PORT: u16 = 5;
    const TYPE_DNAT: u32 = 1;
    let (address, port) = (Register::Reg1.into(), Register::Reg32_01.into());
    other("nat", &[(TYPE, TYPE_DNAT), (FAMILY, NFPROTO_IPV4.into()), (ADDRESS, address), (PORT, port)])
}
