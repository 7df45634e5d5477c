//! Documents: in, out, damaged, swept.

use super::*;
use crate::ingest::IngestRoot;

#[test]
fn documents_come_back_verified() {
    let dir = tempfile::tempdir().unwrap();
    let (documents, ingests) = (Documents::open(dir.path()).unwrap(), IngestRoot::open(dir.path()).unwrap());
    let (a, b) = (Blob::named_by_itself("a".into()), Blob::named_by_itself("b".into()));
    assert!(documents.read(&a.digest()).unwrap().is_none());
    documents.write(&ingests.create().unwrap(), &[a.clone(), b.clone()]).unwrap();
    documents.write(&ingests.create().unwrap(), std::slice::from_ref(&a)).unwrap();
    assert_eq!(documents.read(&a.digest()).unwrap().unwrap().bytes(), b"a");
    assert_eq!(documents.size(&a.digest()), 1);
    assert_eq!(documents.list().unwrap().len(), 2);
    assert_eq!(fs::read_dir(dir.path().join("ingest")).unwrap().count(), 0);

    fs::write(documents.path(&a.digest()), b"x").unwrap();
    assert!(matches!(documents.read(&a.digest()), Err(Error::Corrupt { .. })));
    documents.sweep(&HashSet::from([b.digest()])).unwrap();
    assert_eq!(documents.list().unwrap(), [b.digest()]);
}

#[test]
fn a_blob_is_what_its_digest_says() {
    let digest = Digest::of(b"right");
    assert!(Blob::verify("x", digest, "right".into()).is_ok());
    let error = Blob::verify("x", digest, "wrong".into()).unwrap_err();
    assert!(error.to_string().contains(&digest.to_string()));
    assert!(error.to_string().contains(&Digest::of(b"wrong").to_string()));
}
