//! A /24 that no route of this machine leads to.

/// Between these lie 10,240 networks of 256 addresses.
const FIRST: u32 = 0x0a58_0000;
const COUNT: u32 = (0x0a7f_ff00 - FIRST) / 256 + 1;

/// The first free network from a random one on; `routes` is the text of /proc/net/route.
pub(super) fn free(routes: &str, random: u16) -> Option<String> {
    let taken: Vec<_> = routes.lines().skip(1).filter_map(route).filter(|(_, mask)| *mask != 0).collect();
    let start = u32::from(random) % COUNT;
    let networks = (0..COUNT).map(|n| FIRST + (start + n) % COUNT * 256);
    let mut free = networks.filter(|network| !taken.iter().any(|(to, mask)| overlap(*network, *to, *mask)));
    free.next().map(|network| format!("{}/24", std::net::Ipv4Addr::from(network)))
}

fn overlap(network: u32, to: u32, mask: u32) -> bool {
    let both = mask & 0xffff_ff00;
    network & both == to & both
}

/// (destination, mask) of a line; the kernel prints them in hex, in the byte order of the machine.
fn route(line: &str) -> Option<(u32, u32)> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let address =
        |field: &&str| u32::from_str_radix(field, 16).ok().map(|n| u32::from_be_bytes(n.to_ne_bytes()));
    Some((address(fields.get(1)?)?, address(fields.get(7)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n";

    fn line(to: [u8; 4], mask: [u8; 4]) -> String {
        let hex = |octets: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(octets));
        format!("eth0 {} 00000000 0001 0 0 0 {} 0 0 0\n", hex(to), hex(mask))
    }

    #[test]
    fn a_machine_with_a_default_route_only_is_free() {
        let routes = format!("{HEAD}{}", line([0; 4], [0; 4]));
        assert_eq!(free(&routes, 0).as_deref(), Some("10.88.0.0/24"));
        assert_eq!(free(&routes, 257).as_deref(), Some("10.89.1.0/24"));
    }

    #[test]
    fn networks_with_routes_are_passed_over_and_the_search_goes_round() {
        let one = format!("{HEAD}{}", line([10, 88, 0, 128], [255, 255, 255, 128]));
        assert_eq!(free(&one, 0).as_deref(), Some("10.88.1.0/24"), "half of it is enough");
        let last = format!("{HEAD}{}", line([10, 127, 255, 0], [255, 255, 255, 0]));
        assert_eq!(free(&last, (COUNT - 1) as u16).as_deref(), Some("10.88.0.0/24"));
        let wide = format!("{HEAD}{}", line([10, 0, 0, 0], [255, 0, 0, 0]));
        assert_eq!(free(&wide, 0), None);
    }
}
