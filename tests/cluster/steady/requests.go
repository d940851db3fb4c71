package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
)

// request is a kind of request that is made again and again.
type request struct {
	kind string
	do   func(context.Context, *clients) error
}

// simple are reads and writes of a ConfigMap of each connection's own.
func simple() []request {
	return []request{
		{"read kept", func(ctx context.Context, of *clients) error { return read(ctx, of.kept, "steady-kept") }},
		{"write kept", func(ctx context.Context, of *clients) error { return write(ctx, of.kept, "steady-kept") }},
		{"read new", func(ctx context.Context, of *clients) error { return read(ctx, of.renewed, "steady-new") }},
		{"write new", func(ctx context.Context, of *clients) error { return write(ctx, of.renewed, "steady-new") }},
	}
}

func read(ctx context.Context, of kubernetes.Interface, name string) error {
	_, err := of.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	return err
}

func write(ctx context.Context, of kubernetes.Interface, name string) error {
	wanted := applycore.ConfigMap(name, namespace).WithData(map[string]string{"at": time.Now().String()})
	_, err := of.CoreV1().ConfigMaps(namespace).Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: "steady", Force: true})
	return err
}

// whole are the other requests of a cluster that lives. What is made at the start, a token and a client that has read
// the CA and the token once, is used to the end.
func whole(ctx context.Context, start *clients) ([]request, error) {
	token, err := newToken(ctx, start.kept)
	if err != nil {
		return nil, err
	}
	stoneAge, err := onNewConnections(start.config, token)
	if err != nil {
		return nil, err
	}
	return []request{
		{"list", list},
		{"token review", func(ctx context.Context, of *clients) error { return review(ctx, of.renewed, token) }},
		{"old token", func(ctx context.Context, of *clients) error { return useToken(ctx, of, token) }},
		{"fresh token", useFreshToken},
		{"aggregated", aggregated},
		{"old pod", func(ctx context.Context, _ *clients) error { return whoAmI(ctx, stoneAge) }},
	}, nil
}

func list(ctx context.Context, of *clients) error {
	pods, err := of.kept.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err == nil && len(pods.Items) == 0 {
		err = errors.New("no pods are listed")
	}
	return err
}

func newToken(ctx context.Context, of kubernetes.Interface) (string, error) {
	// As long as a test may take.
	seconds := int64((6 * time.Hour).Seconds())
	wanted := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	made, err := of.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, wanted, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return made.Status.Token, nil
}

func review(ctx context.Context, of kubernetes.Interface, token string) error {
	asked := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	answer, err := of.AuthenticationV1().TokenReviews().Create(ctx, asked, metav1.CreateOptions{})
	if err == nil && !answer.Status.Authenticated {
		err = fmt.Errorf("the token is not authenticated: %s", answer.Status.Error)
	}
	return err
}

func useToken(ctx context.Context, of *clients, token string) error {
	as, err := onNewConnections(of.config, token)
	if err != nil {
		return err
	}
	return whoAmI(ctx, as)
}

func useFreshToken(ctx context.Context, of *clients) error {
	token, err := newToken(ctx, of.kept)
	if err != nil {
		return fmt.Errorf("token request: %w", err)
	}
	return useToken(ctx, of, token)
}

func whoAmI(ctx context.Context, of kubernetes.Interface) error {
	answer, err := of.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	wanted := "system:serviceaccount:" + namespace + ":" + account
	if err == nil && answer.Status.UserInfo.Username != wanted {
		err = fmt.Errorf("seen as %q", answer.Status.UserInfo.Username)
	}
	return err
}

func aggregated(ctx context.Context, of *clients) error {
	_, err := of.renewed.Discovery().RESTClient().Get().AbsPath("/apis/" + aggregatedGroup + "/v1").DoRaw(ctx)
	return err
}
