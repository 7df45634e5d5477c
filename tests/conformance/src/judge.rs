//! Holds the specs against what is known of them: every surprise is a finding, a good one too.

use std::fmt;

use crate::{
    known::Known,
    report::{Spec, State},
};

/// Something that is not as it is written down.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    /// None: of an entry that fits no spec.
    pub(crate) spec: Option<&'a Spec>,
    text: String,
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// `whole`: no spec was left out, so an entry that covers none is out of date.
pub(crate) fn judge<'a>(specs: &'a [Spec], known: &[Known], whole: bool) -> Vec<Finding<'a>> {
    let mut findings: Vec<_> = specs.iter().filter_map(|spec| surprise(spec, known)).collect();
    if whole {
        let idle = known.iter().filter(|known| !specs.iter().any(|spec| known.covers(&spec.name)));
        findings.extend(idle.map(|known| Finding {
            spec: None,
            text: format!("NO SUCH SPEC {}\n    take it off the list of what is known", known.spec),
        }));
    }
    findings
}

fn surprise<'a>(spec: &'a Spec, known: &[Known]) -> Option<Finding<'a>> {
    let known = known.iter().find(|known| known.covers(&spec.name));
    let name = &spec.name;
    let text = match (spec.state, known) {
        (State::Passed, None) => return None,
        (state, Some(known)) if known.expects(state) => return None,
        (State::Passed, Some(known)) => {
            format!("PASSES NOW {name}\n    take {:?} off the list of what is known", known.spec)
        }
        (State::Failed, _) => format!("FAIL {name}\n    {}", spec.message),
        (State::Skipped, _) => format!("SKIPPED {name}\n    {}", spec.message),
    };
    Some(Finding { spec: Some(spec), text })
}

#[cfg(test)]
mod tests;
