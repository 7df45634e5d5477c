//! The files of the repository, read once, as the rules want them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What holds nothing of ours: directories, and the file `.git` of a work tree that says where the repository is.
const SKIPPED: [&str; 3] = ["target", ".git", "node_modules"];

/// A text file and its path below the repository, with `/` between parts.
#[derive(Debug, Clone)]
pub struct File {
    /// Path below the repository.
    pub path: String,
    /// Content.
    pub text: String,
}

impl File {
    /// A file that exists only in a test.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Does its name end in `.extension`?
    pub fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }
}

/// The repository this crate belongs to.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or_else(|| Path::new(".")).to_owned()
}

/// Every text file below `root`, sorted by path. Files that are not UTF-8 are left out.
///
/// # Errors
/// What the file system says.
pub fn read_all(root: &Path) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    walk(root, root, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(root: &Path, dir: &Path, found: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if SKIPPED.iter().any(|skipped| path.ends_with(skipped)) {
            continue;
        }
        if kind.is_dir() {
            walk(root, &path, found)?;
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(&path)?)
        {
            let below = path.strip_prefix(root).unwrap_or(&path);
            found.push(File { path: below.to_string_lossy().into_owned(), text });
        }
    }
    Ok(())
}
