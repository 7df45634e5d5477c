use super::during;
use crate::report::{Spec, State};

#[test]
fn only_warnings_of_the_specs_time() {
    let spec = Spec {
        name: String::new(),
        state: State::Failed,
        seconds: 1.0,
        message: String::new(),
        begun: "2026-01-02T03:04:05Z".to_owned(),
        ended: "2026-01-02T03:04:06.123456789Z".to_owned(),
    };
    let log = "2026-01-02T03:04:04.999999Z  WARN too early\n\
        2026-01-02T03:04:05.000001Z ERROR in time\n\
        2026-01-02T03:04:05.5Z  INFO of no interest\n\
        a line that goes on\n\
        2026-01-02T03:04:06.123456Z  WARN just in time\n\
        2026-01-02T03:04:06.2Z  WARN too late\n";
    let said = during(log, Some(&spec));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].ends_with("in time") && said[1].ends_with("just in time"));
    assert!(during(log, None).is_empty());
}
