//! Command lines, environments and directories.
use super::*;
use crate::Kind;

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn image(entrypoint: &[&str], cmd: &[&str]) -> ImageFacts {
    ImageFacts {
        name: "docker.io/library/web:1".into(),
        entrypoint: list(entrypoint),
        cmd: list(cmd),
        ..Default::default()
    }
}

fn request(command: &[&str], args: &[&str]) -> cri::ContainerConfig {
    cri::ContainerConfig { command: list(command), args: list(args), ..Default::default() }
}

#[test]
fn command_replaces_entrypoint_and_drops_cmd() {
    for (entrypoint, cmd, command, given, expected) in [
        (&["e"][..], &["c"][..], &[][..], &[][..], &["e", "c"][..]),
        (&["e"], &["c"], &["x"], &[], &["x"]),
        (&["e"], &["c"], &["x"], &["y"], &["x", "y"]),
        (&["e"], &["c"], &[], &["y"], &["e", "y"]),
        (&[], &["c", "d"], &[], &[], &["c", "d"]),
        (&[], &["c"], &[], &["y"], &["y"]),
        (&["e", ""], &[], &[], &[], &["e", ""]),
    ] {
        assert_eq!(args(&request(command, given), &image(entrypoint, cmd)).unwrap(), list(expected));
    }
}

#[test]
fn no_command_at_all_names_the_image() {
    for (request, image) in
        [(request(&[], &[]), image(&[], &[])), (request(&[""], &["x"]), image(&["e"], &[]))]
    {
        let error = args(&request, &image).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.to_string().contains("docker.io/library/web:1"), "{error}");
    }
}

#[test]
fn arguments_the_kernel_cannot_take_are_refused() {
    assert!(args(&request(&["a\0b"], &[]), &image(&[], &[])).is_err());
    assert!(args(&request(&["a", &"b".repeat(STRING_LIMIT)], &[]), &image(&[], &[])).is_ok());
    assert!(args(&request(&["a", &"b".repeat(STRING_LIMIT + 1)], &[]), &image(&[], &[])).is_err());
    let many = ImageFacts { cmd: vec!["x".to_owned(); 1_000_000], ..image(&["e"], &[]) };
    assert!(args(&request(&[], &[]), &many).is_err());
}

fn env(image_env: &[&str], envs: &[(&str, &[u8])], around: Surroundings<'_>) -> Result<Vec<String>> {
    let image = ImageFacts { env: list(image_env), ..image(&["e"], &[]) };
    let envs =
        envs.iter().map(|(key, value)| cri::KeyValue { key: (*key).into(), value: value.to_vec() }).collect();
    let variables = environment(&cri::ContainerConfig { envs, ..Default::default() }, &image, around)?;
    Ok(variables.iter().map(|variable| String::from_utf8_lossy(&variable.entry()).into_owned()).collect())
}

const PLAIN: Surroundings<'_> = Surroundings { hostname: "pod", home: None, tty: false, devices: &[] };

#[test]
fn the_requests_environment_wins_in_the_images_place() {
    let got =
        env(&["A=1", "PATH=/image", "B=2"], &[("A", b"new"), ("C", b"x=y"), ("HOSTNAME", b"mine")], PLAIN);
    assert_eq!(got.unwrap(), ["HOSTNAME=mine", "A=new", "PATH=/image", "B=2", "C=x=y", "HOME=/"]);
}

#[test]
fn what_every_process_expects_is_there() {
    let around = Surroundings { hostname: "pod", home: Some("/root"), tty: true, devices: &[] };
    assert_eq!(
        env(&[], &[], around).unwrap(),
        ["HOSTNAME=pod", &format!("PATH={DEFAULT_PATH}"), "HOME=/root", "TERM=xterm"]
    );
    // What is set, even to nothing, stays.
    let got = env(&["PATH=", "HOME=/h", "TERM=dumb"], &[], around).unwrap();
    assert_eq!(got, ["HOSTNAME=pod", "PATH=", "HOME=/h", "TERM=dumb"]);
}

/// IMG-31.
#[test]
fn odd_entries_of_an_image_never_become_host_values() {
    let got = env(&["LANG", "=x", "", "A=1", "A=2", "=", "B=", "LD_PRELOAD=/x.so"], &[], PLAIN).unwrap();
    assert_eq!(got[..4], ["HOSTNAME=pod", "A=2", "B=", "LD_PRELOAD=/x.so"]);
    assert!(env(&["A=\0"], &[], PLAIN).is_err());
    let many: Vec<String> = (0..400_000).map(|n| format!("V{n}=x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(env(&many, &[], PLAIN).unwrap_err().to_string().contains("the environment"));
}

#[test]
fn a_requests_variables_are_checked() {
    for (key, value) in [("", &b"x"[..]), ("A=B", b"x"), ("A\0", b"x"), ("A", b"x\0y")] {
        assert_eq!(env(&[], &[(key, value)], PLAIN).unwrap_err().kind(), Kind::Invalid, "{key:?}");
    }
    // Any other byte may be in a value: 0.36 of the API had strings here by mistake.
    assert!(env(&[], &[("A", b"\xff\n=\x1b")], PLAIN).is_ok());
}

#[test]
fn five_thousand_service_variables_are_no_problem() {
    let envs: Vec<(String, Vec<u8>)> =
        (0..5000).map(|n| (format!("SERVICE_{n}_PORT"), b"tcp://10.0.0.1:80".to_vec())).collect();
    let envs: Vec<(&str, &[u8])> = envs.iter().map(|(k, v)| (k.as_str(), v.as_slice())).collect();
    assert_eq!(env(&[], &envs, PLAIN).unwrap().len(), 5003);
}

fn dir(request: &str, image_dir: &str) -> Result<String> {
    let image = ImageFacts { working_dir: image_dir.into(), ..image(&["e"], &[]) };
    working_dir(&cri::ContainerConfig { working_dir: request.into(), ..Default::default() }, &image)
}

#[test]
fn directories_are_absolute_and_clean() {
    for (request, image, expected) in [
        ("", "", "/"),
        ("", "/app/", "/app"),
        ("", "app", "/app"),
        ("/x//y/./z/", "/app", "/x/y/z"),
        ("/x/../../../etc", "", "/etc"),
        ("/proc/self", "", "/proc/self"),
        ("/procx/1/fd", "", "/procx/1/fd"),
    ] {
        assert_eq!(dir(request, image).unwrap(), expected);
    }
}

/// SEC-10, IMG-33.
#[test]
fn directories_that_are_open_files_are_refused() {
    for bad in [
        "/proc/self/fd/7",
        "/proc/1/cwd",
        "/proc/self/root/etc",
        "/proc/thread-self/fd/3",
        "/proc/self/task/1/fd/8",
        "/a/../proc/self/fd/9",
        "/proc/self/./fd//7/../7",
        "/dev/fd/7",
        "/proc/self/map_files/x",
    ] {
        assert!(dir(bad, "").is_err(), "{bad}");
        assert!(dir("", bad).is_err(), "{bad}");
    }
    assert!(dir("relative", "").is_err());
    assert!(dir("/\0", "").is_err());
    assert!(dir(&format!("/{}", "x".repeat(4096)), "").is_err());
}
