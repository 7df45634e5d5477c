//! klog lines, and lines that are none.

use super::*;

#[test]
fn a_place_is_named_once() {
    let log = "I1122 05:06:07.000000    1234 a.go:1] fine\n\
               E1122 05:06:07.000000    1234 b.go:2] \"Broken\" err=\"x\"\n\
               E1122 05:06:08.000000    1234 b.go:2] \"Broken\" err=\"y\"\n\
               W1122 05:06:08.000000    1234 c.go:3] odd\n\
               Every other line is something else\n";
    let found: Vec<String> = all(log).iter().map(Complaint::to_string).collect();
    assert_eq!(found, ["E b.go:2 ×2: \"Broken\" err=\"x\"", "W c.go:3 ×1: odd"]);
}
