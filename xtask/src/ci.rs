//! What CI holds a change to; the order puts the quick refusals first.

use anyhow::Result;

use crate::{check, command::step, quickstart, test};

pub(crate) fn ci() -> Result<()> {
    step("formatting", || check::format(true))?;
    step("house rules", check::tidy)?;
    step("lints", check::lint)?;
    step("tests", || test::test(&[]))?;
    step("quickstart", || quickstart::quickstart(false, &[]))
}
