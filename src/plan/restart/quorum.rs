//! Whether etcd can spare the member of this node for a moment.
//!
//! In: what each voting member says of itself. Out: [`Quorum`].

/// What the members say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quorum {
    /// Whether there is one now; not, too, when nobody can be asked.
    pub exists: bool,
    /// The members that are not well while this one is needed, and why; empty when it can be spared.
    pub missing: Vec<String>,
    /// How many members vote.
    pub members: usize,
}

/// One voting member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumMember {
    /// Its name.
    pub name: String,
    /// Whether it is this node's.
    pub is_ours: bool,
    /// Why it is not well.
    pub problem: Option<String>,
}

/// Whether there is a quorum, and whether it would be lost without this node's member.
#[must_use]
pub fn judge_quorum(states: &[QuorumMember]) -> Quorum {
    let needed = states.len() / 2 + 1;
    let well = |ours: bool| states.iter().filter(|state| state.problem.is_none() && (ours || !state.is_ours)).count();
    let exists = well(true) >= needed;
    // Two members, or one alone: it is lost for a moment whoever is restarted, and nobody is to blame.
    let missing = states.iter().filter(|state| !state.is_ours && exists && well(false) < needed);
    let missing = missing.filter_map(|state| Some(format!("{} ({})", state.name, state.problem.as_ref()?)));
    Quorum { exists, missing: missing.collect(), members: states.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(well: &[bool]) -> Vec<QuorumMember> {
        let state = |(place, well): (usize, &bool)| QuorumMember {
            name: format!("cp{}", place + 1),
            is_ours: place == 0,
            problem: (!well).then(|| "connection refused".into()),
        };
        well.iter().enumerate().map(state).collect()
    }

    #[test]
    fn a_member_is_spared_when_the_others_are_enough_or_when_nobody_could_be() {
        for (well, exists, missing) in [
            (&[true, true, true][..], true, 0),
            (&[true, true, false], true, 1),
            (&[true, false, false], false, 0),
            (&[false, true, true], true, 0),
            (&[true], true, 0),
            (&[true, true], true, 0),
            (&[true, false], false, 0),
            (&[true, true, true, false, true], true, 0),
            (&[true, true, true, false, false], true, 2),
        ] {
            let quorum = judge_quorum(&states(well));
            assert_eq!((quorum.exists, quorum.missing.len()), (exists, missing), "{well:?}");
        }
        assert_eq!(judge_quorum(&states(&[true, true, false])).missing, ["cp3 (connection refused)"]);
    }
}
