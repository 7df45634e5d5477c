//! Every step of a pull fails once: nothing is half done afterwards, and the next pull works.

use std::collections::HashSet;
use std::sync::Arc;

use imagestore::{Config, Kind, PullHooks, STEPS, Store};

use crate::fake::Fake;
use crate::images;
use crate::scene::{Scene, chain};

fn failing_at(step: &'static str) -> PullHooks {
    let stop = move |name: &'static str| match name == step {
        true => Err(std::io::Error::other("stopped by the test")),
        false => Ok(()),
    };
    PullHooks { step: Arc::new(stop), ..PullHooks::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_step_may_fail() {
    let image = images::small("a");
    let registry = Fake::good(image.alone()).await;
    let name = format!("{}/app:1", registry.host());
    for step in STEPS {
        let scene = Scene::new();
        let error = scene.store.pull(&name, None, failing_at(step)).await.expect_err(step);
        assert_eq!(error.kind(), Kind::Internal);
        assert!(chain(&error).contains(step), "{}", chain(&error));
        // Blocking work of the other layer may just be ending.
        for _ in 0..100 {
            if scene.ingests() == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(scene.ingests(), 0, "{step}");
        assert_eq!(scene.store.list().len(), usize::from(*step == "pull.named"), "{step}");
        let pulled = scene.pull(&name).await.unwrap();
        assert_eq!(pulled.id, image.id(), "{step}");
        assert!(scene.store.remove(&name, &HashSet::new()).unwrap());
        scene.store.gc(&HashSet::new()).unwrap();
        assert_eq!((scene.layers(), scene.ingests()), (0, 0), "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_at_any_step_leaves_a_store_that_opens() {
    let image = images::small("a");
    let registry = Fake::good(image.alone()).await;
    let name = format!("{}/app:1", registry.host());
    for step in STEPS {
        let dir = tempfile::tempdir().unwrap();
        let (root, copy) = (dir.path().join("images"), dir.path().join("copy"));
        let store = Store::open(Config::new(&root)).unwrap();
        // What is on the disk at the moment of the step is what a kill would leave.
        let (from, to) = (root.clone(), copy.clone());
        let hooks = PullHooks {
            step: Arc::new(move |at| {
                if at == *step && !to.exists() {
                    copy_tree(&from, &to);
                }
                Ok(())
            }),
            ..PullHooks::default()
        };
        store.pull(&name, None, hooks).await.unwrap();
        let reopened = Store::open(Config::new(&copy)).unwrap();
        assert_eq!(std::fs::read_dir(copy.join("ingest")).unwrap().count(), 0, "{step}");
        assert_eq!(reopened.list().len(), usize::from(*step == "pull.named"), "{step}");
        assert_eq!(reopened.pull(&name, None, PullHooks::default()).await.unwrap().id, image.id(), "{step}");
        let image = reopened.get(&name).unwrap().unwrap();
        assert!(reopened.read_file(&image, "seed", 10).unwrap().is_some());
    }
}

/// Copies a tree of plain files and directories as it changes underfoot.
fn copy_tree(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy_tree(&entry.path(), &target),
            Ok(_) => drop(std::fs::copy(entry.path(), target)),
            Err(_) => {}
        }
    }
}
