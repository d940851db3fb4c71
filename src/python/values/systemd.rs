//! The unit files of a schedule, and what was done to them.

use super::convert::Lines;
use super::values;
use crate::ops::systemd;
use crate::plan::units;
use crate::text::counted;

values! {
    /// A unit file: its name, and all that it says.
    Unit(it: units::Unit);
    shown = format!("{}, {}", it.name, counted(it.text.lines().count(), "line"));
    text = it.text.clone();
    attributes {
        /// Its file name.
        name = &it.name;
        /// Its whole content.
        text = Lines(&it.text);
    }
}

values! {
    /// What was done to a unit file, or would be: `created`, `replaced`, `removed` or `unchanged`.
    UnitChange(it: systemd::UnitChange);
    shown = format!("{}: {}", it.path.display(), it.action);
    attributes {
        /// The file.
        path = &it.path;
        /// What was done.
        action = it.action;
    }
}
