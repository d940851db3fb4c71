//! A time span in the two largest units that matter.
//!
//! In: seconds. Out: text such as `364d`. Source: `k8s.io/apimachinery/pkg/util/duration` `HumanDuration`.

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// A year of 365 days.
const YEAR: i64 = 365 * DAY;

/// The time that is left, as kubeadm prints it: `<invalid>` when it is over, else one or two units.
///
/// One second over still counts as `0s`: clocks differ. Years have 365 days.
///
/// ```
/// use kubepki::audit::expiration::residual_time;
///
/// assert_eq!(residual_time(31_535_999), "364d");
/// assert_eq!(residual_time(-2), "<invalid>");
/// ```
#[must_use]
pub fn residual_time(seconds: i64) -> String {
    match seconds {
        ..=-2 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        _ if seconds < 2 * MINUTE => format!("{seconds}s"),
        _ if seconds < 10 * MINUTE => two_units(seconds / MINUTE, "m", seconds % MINUTE, "s"),
        _ if seconds < 3 * HOUR => format!("{}m", seconds / MINUTE),
        _ if seconds < 8 * HOUR => two_units(seconds / HOUR, "h", seconds / MINUTE % 60, "m"),
        _ if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        _ if seconds < 8 * DAY => two_units(seconds / DAY, "d", seconds / HOUR % 24, "h"),
        _ if seconds < 2 * YEAR => format!("{}d", seconds / DAY),
        _ if seconds < 8 * YEAR => two_units(seconds / YEAR, "y", seconds / DAY % 365, "d"),
        _ => format!("{}y", seconds / YEAR),
    }
}

/// `2d1h`, or `2d` when the smaller is zero.
fn two_units(larger: i64, larger_unit: &str, smaller: i64, smaller_unit: &str) -> String {
    if smaller == 0 {
        format!("{larger}{larger_unit}")
    } else {
        format!("{larger}{larger_unit}{smaller}{smaller_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_of_the_ranges() {
        let cases = [
            (i64::MIN, "<invalid>"),
            (-86_400, "<invalid>"),
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (1, "1s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (599, "9m59s"),
            (600, "10m"),
            (659, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (10_859, "3h"),
            (10_860, "3h1m"),
            (18_420, "5h7m"),
            (28_799, "7h59m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (176_399, "2d"),
            (176_400, "2d1h"),
            (691_199, "7d23h"),
            (691_200, "8d"),
            (31_535_999, "364d"),
            (31_536_000, "365d"),
            (2 * YEAR - 1, "729d"),
            (2 * YEAR, "2y"),
            (2 * YEAR + DAY - 1, "2y"),
            (3 * YEAR + 10 * DAY, "3y10d"),
            (8 * YEAR - 1, "7y364d"),
            (8 * YEAR, "8y"),
            (10 * YEAR - 1, "9y"),
            // Where Go's durations end.
            (9_223_372_036, "292y"),
            (i64::MAX, "292471208677y"),
        ];
        for (seconds, text) in cases {
            assert_eq!(residual_time(seconds), text, "{seconds} seconds");
        }
    }
}
