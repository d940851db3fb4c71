//! Which way RSA keys are generated on this machine.
//!
//! In: the build, the processor, `KUBEPKI_KEYGEN`. Out: [`Method`], decided once a process. What is not understood
//! (another processor, another value of the variable) means the cryptographic library's own generation.

use std::sync::LazyLock;

/// The environment variable; `library` and `single` are its values.
const VARIABLE: &str = "KUBEPKI_KEYGEN";

/// How RSA keys are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::key) enum Method {
    /// Our search, two exponentiations at a time.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "an x86-64 extension"))]
    Pairs,
    /// Our search, one exponentiation at a time.
    Single,
    /// aws-lc's own generation.
    Library,
}

static METHOD: LazyLock<Method> = LazyLock::new(|| {
    let asked = std::env::var_os(VARIABLE).map(|value| value.to_string_lossy().into_owned());
    choose(cfg!(feature = "library-keygen"), processor(), asked.as_deref())
});

impl Method {
    /// The method of this process.
    pub(in crate::key) fn current() -> Self {
        *METHOD
    }

    /// What `--version --verbose` says.
    pub(in crate::key) const fn describe(self) -> &'static str {
        match self {
            Self::Pairs => "sieve, two exponentiations at a time (AVX512-IFMA)",
            Self::Single => "sieve, one exponentiation at a time",
            Self::Library => "library (aws-lc)",
        }
    }
}

/// What this processor can do best.
fn processor() -> Method {
    #[cfg(target_arch = "x86_64")]
    {
        let wanted = is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        if wanted { Method::Pairs } else { Method::Single }
    }
    #[cfg(target_arch = "aarch64")]
    {
        Method::Single
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        Method::Library
    }
}

fn choose(built_for_library: bool, processor: Method, asked: Option<&str>) -> Method {
    if built_for_library {
        return Method::Library;
    }
    match (asked, processor) {
        (None | Some(""), best) => best,
        (Some("single"), Method::Pairs | Method::Single) => Method::Single,
        (Some(_), _) => Method::Library,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_the_variable_and_the_processor_can_each_ask_for_the_library() {
        let choices = [
            ((false, Method::Pairs, None), Method::Pairs),
            ((false, Method::Single, None), Method::Single),
            ((false, Method::Library, None), Method::Library),
            ((false, Method::Pairs, Some("")), Method::Pairs),
            ((false, Method::Pairs, Some("library")), Method::Library),
            ((false, Method::Pairs, Some("single")), Method::Single),
            ((false, Method::Library, Some("single")), Method::Library),
            ((false, Method::Pairs, Some("Sieve?")), Method::Library),
            ((true, Method::Pairs, None), Method::Library),
            ((true, Method::Pairs, Some("single")), Method::Library),
        ];
        for ((built, processor, asked), expected) in choices {
            assert_eq!(choose(built, processor, asked), expected, "{built} {processor:?} {asked:?}");
        }
    }
}
