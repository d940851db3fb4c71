//! What a template leaves behind is called that, and nothing else is.

use super::*;

#[test]
fn leftovers_are_named_with_their_place() {
    // The text after the header of two lines, the column in its last line but for the first case of several, and the leftover.
    let cases = [
        ("clusterName: {{ cluster_name }}", 3, 14, "{{ cluster_name }}"),
        ("clusterName: \"{{ cluster_name }}\"", 3, 15, "{{ cluster_name }}"),
        ("clusterName: {{ a }}-{{b}}", 3, 14, "{{ a }}"),
        ("clusterName: x-{{ .Values.name }}", 3, 16, "{{ .Values.name }}"),
        ("{{ extra }}", 3, 1, "{{ extra }}"),
        ("{{- if .Values.ha }}", 3, 1, "{{- if .Values.ha }}"),
        ("{% if ha %}", 3, 1, "{% if ha %}"),
        ("{# a note #}", 3, 1, "{# a note #}"),
        ("<% if ha %>", 3, 1, "<% if ha %>"),
        ("clusterName: <%= @name %>", 3, 14, "<%= @name %>"),
        ("clusterName: ${NAME}", 3, 14, "${NAME}"),
        ("clusterName: ${NAME:-kubernetes}", 3, 14, "${NAME:-kubernetes}"),
        ("clusterName: $NAME", 3, 14, "$NAME"),
        ("clusterName: $(hostname -f)", 3, 14, "$(hostname -f)"),
        ("clusterName: 'x-%{facts.name}'", 3, 17, "%{facts.name}"),
        ("clusterName: %{name}", 3, 14, "%{name}"),
        ("clusterName: __NAME__", 3, 14, "__NAME__"),
        ("clusterName: @NAME@", 3, 14, "@NAME@"),
        ("kubernetesVersion: <no value>", 3, 20, "<no value>"),
        ("networking:\n  podSubnet: \"{{ pods }}\"", 4, 15, "{{ pods }}"),
        ("networking:\n  podSubnet: { { pods } }", 4, 14, "{ { pods } }"),
        ("apiServer:\n  certSANs:\n  - a.b\n  - {{ vip }}", 6, 5, "{{ vip }}"),
        ("apiServer:\n  certSANs: [a.b, \"ä.{{ vip }}\"]", 4, 22, "{{ vip }}"),
        (
            "apiServer:\n  certSANs:\n  {% for name in names %}\n  - a\n  # {{ not this }}",
            5,
            3,
            "{% for name in names %}",
        ),
        ("{{ key }}: x", 3, 1, "{{ key }}"),
        ("\"{{ key }}\": x", 3, 2, "{{ key }}"),
        ("clusterName: |\n  a\n  b {{ x }}", 5, 5, "{{ x }}"),
    ];
    for (text, line, column, leftover) in cases {
        let problems = problems_of(&format!("{CLUSTER}{text}\n"));
        assert!(problems.iter().all(|problem| problem.code == "config.template"), "{text}\n{problems:#?}");
        let problem = problems.first().unwrap_or_else(|| panic!("{text}: nothing is said"));
        assert_eq!((problem.line, problem.column), (Some(line), Some(column)), "{text}\n{problem:#?}");
        let message = format!("{leftover:?} is left over from a template that was not rendered");
        assert_eq!(problem.message, message, "{text}");
        assert!(problem.hint.starts_with("render the template first"), "{text}");
        assert!(!problems_with(&format!("{CLUSTER}{text}\n"), &lenient()).is_empty(), "{text}");
    }
}

#[test]
fn every_leftover_of_a_file_is_named_once_and_nothing_follows_from_it() {
    let text = format!(
        "{INIT}localAPIEndpoint: {{advertiseAddress: '{{{{ ip }}}}', bindPort: 6443}}\nnodeRegistration: {{name: '${{NAME}}'}}\n---\n\
         {CLUSTER}etcd: {{local: {{dataDir: '{{{{ a }}}}/{{{{ b }}}}'}}}}\n---\napiVersion: '{{{{ v }}}}'\nkind: JoinConfiguration\n"
    );
    let problems = problems_of(&text);
    let fields: Vec<_> = problems.iter().map(|problem| (problem.code.as_str(), problem.field.as_str())).collect();
    let code = "config.template";
    let expected = [
        (code, "localAPIEndpoint.advertiseAddress"),
        (code, "nodeRegistration.name"),
        (code, "etcd.local.dataDir"),
        (code, "apiVersion"),
    ];
    assert_eq!(fields, expected, "{problems:#?}");
}

#[test]
fn a_secret_field_is_not_repeated() {
    for text in ["token: \"{{ 'abcdef.0123456789abcdef' }}\"", "token: {{ 'abcdef.0123456789abcdef' }}"] {
        let rest = "apiServerEndpoint: a.b:6443\n    unsafeSkipCAVerification: true";
        let problem = problem_of(&format!("{JOIN}discovery:\n  bootstrapToken:\n    {text}\n    {rest}\n"));
        assert_eq!((problem.code.as_str(), problem.line), ("config.template", Some(5)), "{problem:#?}");
        assert!(!problem.message.contains("abcdef"), "{problem:#?}");
    }
}

#[test]
fn dollars_and_braces_that_are_no_template_pass() {
    let texts = [
        "clusterName: a$b",
        "clusterName: a{b}c",
        "clusterName: '{a}'",
        "clusterName: '{{'",
        "clusterName: 'x}}'",
        "clusterName: $",
        "clusterName: a__B__",
        "clusterName: 100%",
        "clusterName: $name",
        "clusterName: x # {{ a }} ${B}",
        "apiServer: {extraArgs: [{name: a, value: '{{ .Name }} ${X} $(Y) <% %>'}]}",
        "apiServer: {extraEnvs: [{name: A, value: '$(HOST_IP)'}]}",
        "controllerManager:\n  extraArgs:\n  - {name: x, value: '{\"a\":{\"b\":{}}}'}",
        "# {{ rendered by ansible }}\nclusterName: a",
        "apiServer: {certSANs: []}",
        "etcd: {local: {}}",
    ];
    for text in texts {
        let problems = problems_of(&format!("{CLUSTER}{text}\n"));
        assert!(problems.is_empty(), "{text}\n{problems:#?}");
    }
    let json =
        r#"{"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration","etcd":{"local":{"dataDir":"/x"}}}"#;
    assert_eq!(problems_of(json), []);
    // A syntax error beside such a value is still a syntax error.
    let both = problem_of(&format!("{CLUSTER}apiServer:\n  extraEnvs:\n  - {{name: A, value: '${{B}}'}}\n\n\nx: [\n"));
    assert_eq!(both.code, "config.syntax");
}
