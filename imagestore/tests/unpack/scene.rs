//! A place to unpack into, with a canary beside it that nothing may touch.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use imagestore::unpack::{Applied, Fault, Limits, LowerLayers, UnpackError, apply, apply_over};
use sys::at::{self, Kind};

pub(crate) struct Scene {
    dir: tempfile::TempDir,
    dest: OwnedFd,
    before: BTreeMap<String, String>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// On a file system in memory, for tests that unpack thousands of times.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory) } else { Self::new() }
    }

    fn below(place: &Path) -> Self {
        let dir = tempfile::tempdir_in(place).unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir_all(outside.join("etc")).unwrap();
        fs::write(outside.join("etc/shadow"), "secret").unwrap();
        fs::write(dir.path().join("x"), "beside").unwrap();
        std::os::unix::fs::symlink("etc/shadow", outside.join("link")).unwrap();
        fs::create_dir(dir.path().join("layer")).unwrap();
        let dest = File::open(dir.path().join("layer")).unwrap().into();
        let mut scene = Self { dir, dest, before: BTreeMap::new() };
        scene.before = scene.outside();
        scene
    }

    pub(crate) fn dest(&self) -> BorrowedFd<'_> {
        self.dest.as_fd()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("layer")
    }

    /// The canary as an archive would name it.
    pub(crate) fn canary(&self) -> String {
        self.dir.path().join("outside/etc/shadow").to_str().unwrap().to_owned()
    }

    fn outside(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        list(File::open(self.dir.path().join("outside")).unwrap().as_fd(), "outside", &mut all);
        let beside = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        all.extend(beside.map(|name| (name.to_str().unwrap().to_owned(), String::new())));
        all
    }

    /// Unpacks and checks the canary, whatever the outcome.
    pub(crate) fn apply(&self, tar: &[u8]) -> Result<Applied, UnpackError> {
        self.apply_with(tar, &Limits::default())
    }

    pub(crate) fn apply_with(&self, tar: &[u8], limits: &Limits) -> Result<Applied, UnpackError> {
        let result = apply(tar, self.dest(), limits);
        self.check_canary();
        result
    }

    pub(crate) fn apply_over(&self, tar: &[u8], lower: &dyn LowerLayers) -> Result<Applied, UnpackError> {
        let result = apply_over(tar, self.dest(), &Limits::default(), lower);
        self.check_canary();
        result
    }

    pub(crate) fn check_canary(&self) {
        assert_eq!(self.outside(), self.before, "something outside the layer changed");
    }

    /// What was made: path to a line that describes it.
    pub(crate) fn tree(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        list(self.dest(), "", &mut all);
        all
    }

    /// The paths made.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.tree().into_keys().collect()
    }

    pub(crate) fn describe(&self, path: &str) -> String {
        self.tree().remove(path).unwrap_or_else(|| panic!("no {path} in {:#?}", self.tree()))
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    pub(crate) fn stat(&self, path: &str) -> at::Stat {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let dir = File::open(self.path().join(dir)).unwrap();
        at::stat_at(dir.as_fd(), name.as_bytes()).unwrap()
    }

    pub(crate) fn is_opaque(&self, path: &str) -> bool {
        let dir = File::open(self.path().join(path)).unwrap();
        at::get_xattr(dir.as_fd(), b"trusted.overlay.opaque").unwrap().is_some()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Deeper and stranger than what the standard library removes.
        at::remove_children(self.dest.as_fd()).unwrap();
    }
}

fn list(dir: BorrowedFd<'_>, prefix: &str, all: &mut BTreeMap<String, String>) {
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&dir));
    for entry in fs::read_dir(Path::new(&link)).unwrap() {
        let name = entry.unwrap().file_name();
        let stat = at::stat_at(dir, name.as_bytes()).unwrap();
        let shown = name.as_bytes().escape_ascii();
        let path = if prefix.is_empty() { shown.to_string() } else { format!("{prefix}/{shown}") };
        let detail = match stat.kind {
            Kind::File => {
                let file = File::open(Path::new(&link).join(&name)).unwrap();
                format!("{} {}", content(&file, stat.size), xattrs(file.as_fd()))
            }
            Kind::Directory => xattrs(at::open_dir(dir, name.as_bytes()).unwrap().as_fd()),
            Kind::Symlink => at::read_link(dir, name.as_bytes()).unwrap().escape_ascii().to_string(),
            _ => format!("{:?}", stat.rdev),
        };
        let time = stat.mtime.seconds;
        let line = format!("{:?} {:o} {}:{} {time} {detail}", stat.kind, stat.mode, stat.uid, stat.gid);
        all.insert(path.clone(), line.trim_end().to_owned());
        if stat.kind == Kind::Directory {
            list(at::open_dir(dir, name.as_bytes()).unwrap().as_fd(), &path, all);
        }
    }
}

fn content(file: &File, size: u64) -> String {
    if size > 64 << 20 {
        return format!("{size} bytes");
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut &*file, &mut bytes).unwrap();
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{size} {sum:x}")
}

fn xattrs(fd: BorrowedFd<'_>) -> String {
    let mut names = at::list_xattrs(fd).unwrap();
    names.sort();
    let pair = |name: &Vec<u8>| {
        let value = at::get_xattr(fd, name).unwrap().unwrap();
        format!("{}={}", name.escape_ascii(), value.escape_ascii())
    };
    names.iter().map(pair).collect::<Vec<_>>().join(" ")
}

/// The layer was refused, and it was the layer's fault.
#[track_caller]
pub(crate) fn assert_refused(result: Result<Applied, UnpackError>) {
    match result {
        Err(error) => {
            let fault = error.fault();
            assert!(
                matches!(fault, Fault::Layer | Fault::Limit | Fault::Unsupported),
                "{fault:?}: {error:?}"
            );
        }
        Ok(applied) => panic!("not refused: {applied:?}"),
    }
}
