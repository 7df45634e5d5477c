use std::{fs, path::PathBuf};

use proto::monitor::Rootfs;
use sys::{
    Errno,
    path::{self, Open, Within},
};

use super::{MAX_LAYERS, Stack, by_one_string, mount, read_only};

struct Layers(PathBuf);

impl Layers {
    fn new(name: &str, layers: usize) -> (Self, Rootfs) {
        let base = std::env::temp_dir().join(format!("berth-monitor-overlay-{}-{name}", std::process::id()));
        let dir = |name: String| {
            let path = base.join(name);
            fs::create_dir_all(&path).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let lower_dirs: Vec<String> = (0..layers).map(|number| dir(format!("{number}"))).collect();
        for (number, layer) in lower_dirs.iter().enumerate() {
            fs::write(format!("{layer}/top"), number.to_string()).unwrap();
            fs::write(format!("{layer}/f{number}"), "").unwrap();
        }
        let rootfs = Rootfs {
            lower_dirs,
            upper_dir: dir("up,per".into()),
            work_dir: dir("work".into()),
            readonly: false,
        };
        (Self(base), rootfs)
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn read_top(root: &std::os::fd::OwnedFd) -> Vec<u8> {
    let file = path::open(root, "top", Open::RDONLY, Within::BeneathNoLinks).unwrap();
    sys::io::read_all(file, 16).unwrap()
}

#[test]
fn the_first_layer_is_uppermost_and_odd_names_work() {
    let (_layers, rootfs) = Layers::new("order", 3);
    let root = mount(&rootfs).unwrap();
    // On an old kernel this thread is in a namespace of its own now, where the upper directory is covered.
    sys::mount::detach(&rootfs.upper_dir).ok();
    assert_eq!(read_top(&root), b"0");
    path::create(&root, "new", Open::WRONLY | Open::CREATE, 0o600, Within::BeneathNoLinks).unwrap();
    drop(root);
    assert!(fs::exists(format!("{}/new", rootfs.upper_dir)).unwrap());
    // A start that failed after this point may be tried again.
    mount(&rootfs).unwrap();
    sys::mount::detach(&rootfs.upper_dir).ok();
}

#[test]
fn the_way_of_old_kernels_gives_the_same() {
    let (_layers, rootfs) = Layers::new("legacy", 150);
    // This thread is left in a mount namespace of its own, and ends.
    let writable = Some((rootfs.upper_dir.as_str(), rootfs.work_dir.as_str()));
    let root = by_one_string(Stack { lower: &rootfs.lower_dirs, writable }).unwrap();
    assert_eq!(read_top(&root), b"0");
    sys::mount::detach(&rootfs.upper_dir).unwrap();
    // An image as a volume covers nothing: what is mounted next may need the same layers.
    let lower = &rootfs.lower_dirs[..2];
    let volume = by_one_string(Stack { lower, writable: None }).unwrap();
    assert_eq!(read_top(&volume), b"0");
    assert!(!fs::exists(format!("{}/f1", lower[0])).unwrap());
}

#[test]
fn as_many_layers_as_the_kernel_takes_and_not_one_more() {
    let (_layers, mut rootfs) = Layers::new("many", MAX_LAYERS);
    match mount(&rootfs) {
        Ok(root) => assert_eq!(read_top(&root), b"0"),
        // Before 6.5 a page of options is the limit.
        Err(refused) => assert_eq!((refused.stage.as_str(), refused.errno), ("rootfs", Errno::E2BIG.0)),
    }
    rootfs.lower_dirs.push(rootfs.lower_dirs[0].clone());
    let refused = mount(&rootfs).unwrap_err();
    assert_eq!((refused.stage.as_str(), refused.errno), ("rootfs", Errno::E2BIG.0));
    rootfs.lower_dirs.clear();
    assert_eq!(mount(&rootfs).unwrap_err().errno, Errno::EINVAL.0);
}

#[test]
fn nobody_writes_to_an_overlay_without_an_upper_directory() {
    let (_layers, rootfs) = Layers::new("volume", 3);
    let root = read_only(&rootfs.lower_dirs).unwrap();
    assert_eq!(read_top(&root), b"0");
    assert!(path::open(&root, "f2", Open::RDONLY, Within::BeneathNoLinks).is_ok());
    let refused = path::create(&root, "new", Open::WRONLY | Open::CREATE, 0o600, Within::BeneathNoLinks);
    assert_eq!(refused.unwrap_err().errno, Errno::EROFS);
    assert_eq!(read_only(&rootfs.lower_dirs[..1]).unwrap_err().errno, Errno::EINVAL.0);
}

#[test]
fn a_missing_layer_is_named() {
    let (_layers, mut rootfs) = Layers::new("missing", 2);
    rootfs.lower_dirs.insert(1, "/no/such/layer".into());
    let refused = mount(&rootfs).unwrap_err();
    assert_eq!(refused.errno, Errno::ENOENT.0);
    assert!(refused.what.contains("/no/such/layer"), "{}", refused.what);
}
