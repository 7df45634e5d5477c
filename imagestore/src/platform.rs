//! Platforms: what this node runs, and which entry of an index fits it best.

use std::fmt;

/// An operating system, a processor architecture and its variant, in OCI's (that is Go's) words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`, `arm`, …
    pub architecture: String,
    /// `v8` of arm64, `v7` of arm, `v2` to `v4` of amd64; empty for the basic one.
    pub variant: String,
}

impl Platform {
    /// A platform from OCI's words; the variants that mean "basic" become the empty one.
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        let architecture = match architecture {
            "x86_64" | "x86-64" => "amd64",
            "aarch64" => "arm64",
            "i386" | "x86" => "386",
            "armhf" => "arm",
            other => other,
        };
        let variant = match (architecture, variant) {
            ("arm64", "8" | "v8" | "v8.0") | ("amd64", "v1") => "",
            ("arm", "" | "7") => "v7",
            ("arm", "6") => "v6",
            ("arm", "5") => "v5",
            (_, variant) => variant,
        };
        Self { os: os.to_owned(), architecture: architecture.to_owned(), variant: variant.to_owned() }
    }

    /// The platform this program was built for.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            other => other,
        };
        Self::new("linux", architecture, "")
    }

    /// How well `self`, an image's platform, runs on `node`: higher is better, `None` is not at all.
    pub(crate) fn fit(&self, node: &Self) -> Option<u32> {
        if self.os != node.os || self.architecture != node.architecture {
            return None;
        }
        let level = |variant: &str| match variant {
            "" if self.architecture == "arm64" => Some(8),
            "" => Some(1),
            // v8.1 of arm64 and the like count as their main number, and need an equal node.
            text => text.strip_prefix('v')?.split('.').next()?.parse::<u32>().ok(),
        };
        match (level(&self.variant), level(&node.variant)) {
            _ if self.variant == node.variant => Some(u32::MAX),
            (Some(image), Some(node)) if image <= node && !self.variant.contains('.') => Some(image),
            _ => None,
        }
    }
}

impl Default for Platform {
    fn default() -> Self {
        Self::host()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_str() {
            "" => Ok(()),
            variant => write!(f, "/{variant}"),
        }
    }
}
