//! A run from beginning to end: registry and images, runtime, suite, tidying up, judgement.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use harness::{Doing, Failure, Registry, Result, say};

use crate::{
    args::Args,
    images, judge,
    known::{self, Circumstances},
    patch,
    report::{self, Count, Spec},
    said,
    subject::Subject,
    suite,
};

/// Runs the suite; true when everything was as expected.
pub(crate) async fn run(args: &Args) -> Result<bool> {
    let begun = Instant::now();
    let critest = fs::exists(&args.critest).unwrap_or(false).then_some(&args.critest);
    let critest = critest.doing(|| format!("find {}", args.critest.display()))?;
    let passes: Vec<Args> = [Some(args.clone()), args.over_websocket()].into_iter().flatten().collect();
    let known = passes.iter().map(known).collect::<Result<Vec<_>>>()?;
    suite::check_ports()?;
    let out = out(args)?;

    let registry = Registry::shared()?;
    let images = images::push(registry)?;
    say(&format!("{} images in {}: {:.0?}", images.count, registry.address(), begun.elapsed()))?;
    let critest = if args.unpatched {
        say("critest as it is: the spec that pulls by digest cannot pass, no stand-in has that digest")?;
        critest.clone()
    } else {
        let copy = out.join("critest.patched");
        patch::copy(critest, &copy, &images.pinned)?;
        say("critest is a copy in which one digest is patched: that of test-image-digest is our stand-in's")?;
        copy
    };

    let subject = Subject::start(args, registry).await?;
    let ran = all(&passes, &critest, &subject, &out).await;
    let log = subject.log();
    let left = subject.finish(&out).await?;
    left.iter().try_for_each(|line| say(&format!("left behind: {line}")))?;
    let ran = ran?;

    let daemon = log.and_then(|name| fs::read_to_string(out.join(name)).ok()).unwrap_or_default();
    let mut expected = true;
    for ((pass, known), specs) in passes.iter().zip(&known).zip(&ran) {
        // Of the second pass the entries for all other specs are no findings.
        for finding in judge::judge(specs, known, pass.whole()) {
            expected = false;
            say(&finding.to_string())?;
            said::during(&daemon, finding.spec).iter().try_for_each(|line| say(&format!("    {line}")))?;
        }
    }
    let specs: Vec<_> = passes.iter().zip(ran).flat_map(|(pass, specs)| named(pass, specs)).collect();
    report::table(&specs, &out.join("results.tsv"))?;
    say(&format!("{:.0?}, details in {}", begun.elapsed(), out.display()))?;
    say(&Count::of(&specs).to_string())?;
    Ok(expected && left.is_empty())
}

/// Runs critest once for each of `passes`.
async fn all(passes: &[Args], critest: &Path, subject: &Subject, out: &Path) -> Result<Vec<Vec<Spec>>> {
    let mut ran = Vec::new();
    for pass in passes {
        ran.push(report::read(&suite::run(pass, critest, subject, out).await?)?);
    }
    Ok(ran)
}

/// Says in the names which wire was spoken, where that was not the usual one.
fn named(pass: &Args, specs: Vec<Spec>) -> impl Iterator<Item = Spec> {
    let suffix = if pass.websocket { " (over WebSocket)" } else { "" };
    specs.into_iter().map(move |spec| Spec { name: spec.name.clone() + suffix, ..spec })
}

/// What may fail or be skipped in this run.
fn known(args: &Args) -> Result<Vec<known::Known>> {
    let ours = || Path::new(env!("CARGO_MANIFEST_DIR")).join("known-failures.toml");
    known::read(&args.known.clone().unwrap_or_else(ours), &Circumstances::of(args))
}

/// The directory of this run's results, with nothing of an earlier one in it.
fn out(args: &Args) -> Result<PathBuf> {
    let dir = match &args.out {
        Some(dir) => dir.clone(),
        None => own_target()?.join("conformance"),
    };
    fs::create_dir_all(&dir).doing(|| format!("make {}", dir.display()))?;
    for name in suite::FILES {
        match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::new(format!("remove {name} from {}: {error}", dir.display())));
            }
            _ => {}
        }
    }
    Ok(dir)
}

/// Where cargo puts everything: this program is in `<target>/<triple>/<profile>`.
fn own_target() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(3).doing(|| format!("find the directory above {}", own.display()))?;
    Ok(target.to_owned())
}
