use super::Pages;

#[test]
fn pages_are_zero_writable_and_zero_again() {
    let mut pages = Pages::new(100_000).unwrap();
    assert_eq!(pages.len(), 100_000);
    assert!(pages.iter().all(|byte| *byte == 0));
    pages.fill(7);
    pages.release().unwrap();
    assert!(pages.iter().all(|byte| *byte == 0));
    assert!(Pages::new(0).is_err());
}
