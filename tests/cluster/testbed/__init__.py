"""A real kubeadm cluster on one machine: nodes are namespaces with their own kubelet, container runtime and files."""
