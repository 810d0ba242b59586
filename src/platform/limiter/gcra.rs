//! The generic cell rate algorithm, as a virtual scheduling: ITU-T I.371, annex A.
//!
//! Each key has a *theoretical arrival time* (TAT): when all of its quota is there again.
//! One more moves it on by the emission interval, `window / limit`, and is refused if
//! that leads further ahead than the window. `gcra.lua` is the same for Redis, and one
//! suite runs over both.

use std::time::Duration;

use super::{Quota, Verdict};

/// The quota in whole microseconds: `(interval, window)`. The window is a multiple of
/// the interval, so that the remainder is a plain division.
pub(super) fn microseconds(quota: Quota) -> (u64, u64) {
    let limit = u64::from(quota.limit.max(1));
    let window = u64::try_from(quota.window.as_micros()).unwrap_or(u64::MAX);
    let interval = (window / limit).max(1);
    (interval, interval.saturating_mul(limit))
}

/// Decides about one more at `now`; both times are microseconds on any one clock.
/// Answers the new TAT, and `None` when it was refused and nothing changes.
pub(super) fn decide(tat: Option<u64>, now: u64, quota: Quota) -> (Option<u64>, Verdict) {
    let (interval, window) = microseconds(quota);
    // Further ahead than the window it can only be when the clock was set back.
    let start = tat.unwrap_or(now).clamp(now, now.saturating_add(window));
    let next = start.saturating_add(interval);
    let ahead = next.saturating_sub(now);
    if ahead > window {
        (None, verdict(quota, start - now, ahead - window))
    } else {
        (Some(next), verdict(quota, ahead, 0))
    }
}

/// What to say when the TAT lies `ahead` microseconds in the future and the caller is to
/// wait for `wait`; 0 lets it through.
pub(super) fn verdict(quota: Quota, ahead: u64, wait: u64) -> Verdict {
    let (interval, window) = microseconds(quota);
    let left = window.saturating_sub(ahead) / interval;
    Verdict {
        limit: quota.limit,
        remaining: u32::try_from(left).unwrap_or(u32::MAX),
        reset: Duration::from_micros(ahead),
        retry_after: (wait > 0).then(|| Duration::from_micros(wait)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_burst_of_the_limit_passes_and_then_one_each_interval() {
        let quota = Quota::per_minute(3);
        let (mut tat, now) = (None, 1_000 * SECOND);
        for remaining in [2, 1, 0] {
            let (next, verdict) = decide(tat, now, quota);
            assert_eq!((verdict.remaining, verdict.retry_after), (remaining, None));
            tat = next;
        }
        let (refused, verdict) = decide(tat, now, quota);
        assert_eq!(refused, None);
        assert_eq!(verdict.retry_after, Some(Duration::from_secs(20)));
        assert_eq!(verdict.reset, Duration::from_secs(60));
        assert!(decide(tat, now + 20 * SECOND - 1, quota).0.is_none());
        let (next, verdict) = decide(tat, now + 20 * SECOND, quota);
        assert!(next.is_some());
        assert_eq!(verdict.remaining, 0);
    }

    #[test]
    fn a_clock_that_was_set_back_shuts_nobody_out_for_long() {
        let quota = Quota::per_minute(1);
        let (_, verdict) = decide(Some(9_000 * SECOND), 1_000 * SECOND, quota);
        assert_eq!(verdict.retry_after, Some(Duration::from_secs(60)));
    }

    proptest! {
        /// In any stretch of time no more pass than the limit and what was earned
        /// in that time.
        #[test]
        fn never_more_than_the_limit_and_what_was_earned(
            limit in 1_u32..200,
            pauses in prop::collection::vec(0_u64..2 * SECOND, 1..400),
        ) {
            let quota = Quota::per_minute(limit);
            let (interval, _) = microseconds(quota);
            let begun = 1_000 * SECOND;
            let (mut tat, mut now, mut passed) = (None, begun, 0_u64);
            for pause in pauses {
                now += pause;
                let (next, verdict) = decide(tat, now, quota);
                if next.is_some() {
                    tat = next;
                    passed += 1;
                }
                prop_assert_eq!(next.is_some(), verdict.retry_after.is_none());
                prop_assert!(passed <= u64::from(limit) + (now - begun) / interval);
            }
        }
    }
}
