//! Amounts as a person types them: "512m" of memory, "1.5" CPUs.

/// Bytes: a number with an optional unit of powers of 1024 (k, m, g, t, with or without "b" or "ib").
pub(crate) fn memory(text: &str) -> Result<i64, String> {
    let bad = || format!("{text:?} is not an amount of memory such as 512m or 2g");
    let lower = text.to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let shift = match unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(unit) {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(bad()),
    };
    let number: i64 = number.parse().map_err(|_| bad())?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0).ok_or_else(bad)
}

/// CPUs as microseconds of each 100 ms.
pub(crate) fn cpu_quota(text: &str) -> Result<i64, String> {
    let bad = || format!("{text:?} is not a number of CPUs such as 0.5 or 2");
    let cpus: f64 = text.parse().map_err(|_| bad())?;
    // The kernel refuses quotas below 1 ms; nobody has that many CPUs.
    if (0.01..=100_000.0).contains(&cpus) { Ok((cpus * 100_000.0).round() as i64) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_takes_the_usual_spellings() {
        for (text, bytes) in
            [("1", 1), ("512m", 512 << 20), ("2G", 2 << 30), ("64MiB", 64 << 20), ("3kb", 3072)]
        {
            assert_eq!(memory(text), Ok(bytes), "{text}");
        }
        for bad in ["", "m", "0", "-1", "1.5g", "1x", "99999999999t", "1ibm"] {
            assert!(memory(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cpus_may_be_fractions() {
        assert_eq!(cpu_quota("0.5"), Ok(50_000));
        assert_eq!(cpu_quota("2"), Ok(200_000));
        for bad in ["", "0", "-1", "nan", "inf", "0.001", "1e300"] {
            assert!(cpu_quota(bad).is_err(), "{bad}");
        }
    }
}
