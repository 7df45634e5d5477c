//! Files of /proc as the kernel writes them.
use super::*;

#[test]
fn stat_of_a_program_with_brackets_in_its_name() {
    let text = "42 (a) R (b) S 7 42 42 0 -1 4194560 100 200 0 0 10 20 3 4 20 0 1 0 5555 1000 10 18446744073709551615";
    let expected = Stat { parent: 7, cpu: Duration::from_millis(370), start_ticks: 5555 };
    assert_eq!(parse_stat(text), Some(expected));
}

#[test]
fn a_short_stat_is_refused() {
    assert_eq!(parse_stat("42 (a) S 7 42"), None);
    assert_eq!(parse_stat(""), None);
}

#[test]
fn pss_is_found_among_its_parts() {
    let text =
        "5581-7fff ---p 00000000 00:00 0   [rollup]\nRss:   1000 kB\nPss:    123 kB\nPss_Anon:   9 kB\n";
    assert_eq!(parse_pss(text), Some(123));
    assert_eq!(parse_pss(""), None);
}

#[test]
fn idle_iowait_and_steal_are_not_busy() {
    let text = "cpu  1 2 4 1000 1000 8 16 1000 1000 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n";
    assert_eq!(parse_busy(text), Some(Duration::from_millis(310)));
}

#[test]
fn this_process_is_among_the_processes() {
    let own = i32::try_from(std::process::id()).unwrap();
    let all = processes().unwrap();
    let found = all.iter().find(|process| process.pid == own).unwrap();
    assert_eq!(found.arguments.first(), std::env::args().next().as_ref());
    assert!(pss_kib(own).unwrap() > 0);
}
