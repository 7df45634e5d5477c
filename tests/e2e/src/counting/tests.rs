use super::*;

#[test]
fn a_whole_log_is_whole() {
    for running in [Running::Yes, Running::No] {
        judge(&["0", "1", "2"], 3, running).unwrap();
        judge(&[], 0, running).unwrap();
    }
}

#[test]
fn a_gap_a_repetition_and_another_order_are_found_wherever_they_are() {
    let broken: [&[&str]; 8] = [
        &["0", "2"],
        &["1", "2"],
        &["0", "1", "1"],
        &["0", "1", "0", "1"],
        &["0", "2", "1"],
        &["0", "1", ""],
        &["0", "12", "2"],
        &["0", "00001"],
    ];
    for log in broken {
        for (written, running) in [(log.len(), Running::No), (log.len(), Running::Yes), (0, Running::Yes)] {
            let fault = judge(log, written, running).unwrap_err();
            assert!(fault.contains("lost, or there twice"), "{log:?}: {fault}");
        }
    }
}

#[test]
fn a_tail_that_the_witness_knows_must_be_there() {
    for running in [Running::Yes, Running::No] {
        assert!(judge(&["0", "1"], 3, running).unwrap_err().contains("3 lines, the log has 2"));
        assert!(judge(&[], 1, running).is_err());
    }
}

#[test]
fn the_end_may_come_between_a_line_and_the_word_to_the_witness_but_not_later() {
    judge(&["0", "1"], 1, Running::No).unwrap();
    assert!(judge(&["0", "1", "2"], 1, Running::No).is_err());
    judge(&["0", "1", "2"], 1, Running::Yes).unwrap();
}
