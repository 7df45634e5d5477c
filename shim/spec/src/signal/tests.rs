//! Stop signals, IMG-36.
use super::*;

fn of(request: i32, image: &str) -> Result<i32> {
    let container = cri::ContainerConfig { stop_signal: request, ..Default::default() };
    let image = ImageFacts { stop_signal: image.into(), ..Default::default() };
    stop_signal(&container, &image).map(StopSignal::number)
}

#[test]
fn the_request_wins_then_the_image_then_term() {
    assert_eq!(of(0, "").unwrap(), 15);
    assert_eq!(of(0, "SIGQUIT").unwrap(), 3);
    assert_eq!(of(Signal::Sigusr1.into(), "SIGQUIT").unwrap(), 10);
    assert!(of(66, "").is_err());
    assert!(of(-1, "SIGTERM").is_err());
}

#[test]
fn an_images_signal_is_parsed_or_refused() {
    for (text, number) in [
        ("SIGTERM", 15),
        ("TERM", 15),
        ("sigterm", 15),
        ("15", 15),
        ("1", 1),
        ("64", 64),
        ("09", 9),
        ("SIGRTMIN", 34),
        ("SIGRTMIN+3", 37),
        ("RTMIN+30", 64),
        ("SIGRTMAX", 64),
        ("SIGRTMAX-30", 34),
        ("rtmax-1", 63),
        ("SIGIOT", 6),
        ("SIGPOLL", 29),
        ("SIGCLD", 17),
    ] {
        assert_eq!(of(0, text).unwrap_or_else(|error| panic!("{error}")), number, "{text}");
    }
    for text in [
        "0",
        "65",
        "-9",
        "+9",
        "SIGRTMIN+99",
        "SIGRTMIN+31",
        "SIGRTMIN-1",
        "SIGRTMAX+1",
        "SIGRTMAX-31",
        "SIG",
        "SIGNOPE",
        "15 ",
        " 15",
        "1 5",
        "0x9",
        "999",
        "SIGTERM\n",
        "SIGSIGTERM",
        "SIGRTMIN+",
        "SIGRTMIN+ 1",
        "TERM\0",
        "4294967305",
    ] {
        assert!(of(0, text).is_err(), "{text:?}");
    }
}

#[test]
fn every_signal_of_the_api_is_a_signal_and_comes_back() {
    let mut numbers = std::collections::BTreeSet::new();
    for value in 1..=65 {
        let signal = Signal::try_from(value).unwrap();
        let stop = StopSignal::of_request(signal);
        if stop == StopSignal::TERM {
            assert_eq!(signal, Signal::Sigterm, "{signal:?} fell back");
        }
        numbers.insert(stop.number());
        assert_eq!(StopSignal::of_request(stop.to_cri()), stop);
        assert_eq!(StopSignal::parse(&stop.to_string()), Some(stop));
    }
    // 32 and 33 belong to the C libraries.
    assert_eq!(numbers.len(), 62);
}
