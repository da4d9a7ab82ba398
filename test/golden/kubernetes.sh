#!/bin/bash
# A run of eigenshard on Kubernetes, a Job for each stage:
#   bash FILE
# wherever kubectl reaches the cluster. It waits for each Job and creates the next one. Should it be cut off, the Job
# goes on; called again, it waits for that one, and computes what is left.
if ! command -v kubectl > /dev/null; then
  echo "eigenshard: kubectl is not installed here" >&2
  exit 2
fi
kubectl=(kubectl --namespace=lab)

# The conditions that hold of a Job; nothing where there is no such Job.
conditions() {
  "${kubectl[@]}" get job "$1" --ignore-not-found --output 'jsonpath={.status.conditions[?(@.status=="True")].type}'
}

# compute JOB < MANIFEST
compute() {
  local found
  found=$(conditions "$1") || exit 75
  case " $found " in
    # It has ended, in a call before: whatever is left to do, it does no more.
    *" Complete "* | *" Failed "*) "${kubectl[@]}" delete job "$1" || exit 75 ;;
  esac
  if ! "${kubectl[@]}" apply --filename -; then
    echo "eigenshard: is $1 there, from a call with other options? Wait for it, or delete it" >&2
    exit 1
  fi
  until "${kubectl[@]}" wait --for=condition=Complete --timeout=30s "job/$1" 2> /dev/null; do
    if ! found=$(conditions "$1"); then
      echo "eigenshard: the cluster does not answer; $1 goes on, call this again to wait for it" >&2
      exit 75
    fi
    case " $found " in
      *" Failed "*)
        echo "eigenshard: $1 failed; why, its pods say:" >&2
        echo "  ${kubectl[*]} logs --prefix --tail=5 --selector=job-name=$1" >&2
        exit 1
        ;;
      "  ")
        # Nothing holds of one that runs, nor of one that somebody deleted.
        if ! "${kubectl[@]}" get job "$1" > /dev/null; then exit 1; fi
        ;;
    esac
    sleep 2
  done
}

compute eigenshard-mine-b7f07b-scan << 'JOB'
{
  "apiVersion": "batch/v1",
  "kind": "Job",
  "metadata": {
    "name": "eigenshard-mine-b7f07b-scan",
    "labels": {
      "app.kubernetes.io/name": "eigenshard",
      "app.kubernetes.io/instance": "mine-b7f07b",
      "app.kubernetes.io/component": "scan"
    }
  },
  "spec": {
    "completionMode": "Indexed",
    "completions": 3,
    "parallelism": 3,
    "backoffLimitPerIndex": 3,
    "podReplacementPolicy": "Failed",
    "podFailurePolicy": {
      "rules": [
        {
          "action": "Ignore",
          "onPodConditions": [
            {
              "type": "DisruptionTarget",
              "status": "True"
            }
          ]
        },
        {
          "action": "FailIndex",
          "onExitCodes": {
            "containerName": "eigenshard",
            "operator": "In",
            "values": [
              2,
              3
            ]
          }
        }
      ]
    },
    "ttlSecondsAfterFinished": 604800,
    "template": {
      "metadata": {
        "labels": {
          "app.kubernetes.io/name": "eigenshard",
          "app.kubernetes.io/instance": "mine-b7f07b",
          "app.kubernetes.io/component": "scan"
        }
      },
      "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
          "runAsUser": 1000,
          "runAsGroup": 100,
          "runAsNonRoot": true,
          "seccompProfile": {
            "type": "RuntimeDefault"
          }
        },
        "containers": [
          {
            "name": "eigenshard",
            "image": "registry.example/eigenshard:0.1.0",
            "args": [
              "step",
              "/shared/runs/mine",
              "scan",
              "--workers",
              "8"
            ],
            "env": [
              {
                "name": "EIGENSHARD_OF",
                "value": "3"
              }
            ],
            "resources": {
              "requests": {
                "cpu": "8",
                "memory": "16Gi"
              },
              "limits": {
                "memory": "16Gi"
              }
            },
            "securityContext": {
              "allowPrivilegeEscalation": false,
              "capabilities": {
                "drop": [
                  "ALL"
                ]
              }
            },
            "volumeMounts": [
              {
                "name": "shared-0",
                "mountPath": "/shared"
              }
            ]
          }
        ],
        "volumes": [
          {
            "name": "shared-0",
            "persistentVolumeClaim": {
              "claimName": "shared"
            }
          }
        ]
      }
    }
  }
}
JOB

compute eigenshard-mine-b7f07b-identity << 'JOB'
{
  "apiVersion": "batch/v1",
  "kind": "Job",
  "metadata": {
    "name": "eigenshard-mine-b7f07b-identity",
    "labels": {
      "app.kubernetes.io/name": "eigenshard",
      "app.kubernetes.io/instance": "mine-b7f07b",
      "app.kubernetes.io/component": "identity"
    }
  },
  "spec": {
    "completionMode": "Indexed",
    "completions": 1,
    "parallelism": 1,
    "backoffLimitPerIndex": 3,
    "podReplacementPolicy": "Failed",
    "podFailurePolicy": {
      "rules": [
        {
          "action": "Ignore",
          "onPodConditions": [
            {
              "type": "DisruptionTarget",
              "status": "True"
            }
          ]
        },
        {
          "action": "FailIndex",
          "onExitCodes": {
            "containerName": "eigenshard",
            "operator": "In",
            "values": [
              2,
              3
            ]
          }
        }
      ]
    },
    "ttlSecondsAfterFinished": 604800,
    "template": {
      "metadata": {
        "labels": {
          "app.kubernetes.io/name": "eigenshard",
          "app.kubernetes.io/instance": "mine-b7f07b",
          "app.kubernetes.io/component": "identity"
        }
      },
      "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
          "runAsUser": 1000,
          "runAsGroup": 100,
          "runAsNonRoot": true,
          "seccompProfile": {
            "type": "RuntimeDefault"
          }
        },
        "containers": [
          {
            "name": "eigenshard",
            "image": "registry.example/eigenshard:0.1.0",
            "args": [
              "step",
              "/shared/runs/mine",
              "identity",
              "--workers",
              "8"
            ],
            "env": [
              {
                "name": "EIGENSHARD_OF",
                "value": "1"
              }
            ],
            "resources": {
              "requests": {
                "cpu": "8",
                "memory": "16Gi"
              },
              "limits": {
                "memory": "16Gi"
              }
            },
            "securityContext": {
              "allowPrivilegeEscalation": false,
              "capabilities": {
                "drop": [
                  "ALL"
                ]
              }
            },
            "volumeMounts": [
              {
                "name": "shared-0",
                "mountPath": "/shared"
              }
            ]
          }
        ],
        "volumes": [
          {
            "name": "shared-0",
            "persistentVolumeClaim": {
              "claimName": "shared"
            }
          }
        ]
      }
    }
  }
}
JOB

compute eigenshard-mine-b7f07b-covariance << 'JOB'
{
  "apiVersion": "batch/v1",
  "kind": "Job",
  "metadata": {
    "name": "eigenshard-mine-b7f07b-covariance",
    "labels": {
      "app.kubernetes.io/name": "eigenshard",
      "app.kubernetes.io/instance": "mine-b7f07b",
      "app.kubernetes.io/component": "covariance"
    }
  },
  "spec": {
    "completionMode": "Indexed",
    "completions": 2,
    "parallelism": 2,
    "backoffLimitPerIndex": 3,
    "podReplacementPolicy": "Failed",
    "podFailurePolicy": {
      "rules": [
        {
          "action": "Ignore",
          "onPodConditions": [
            {
              "type": "DisruptionTarget",
              "status": "True"
            }
          ]
        },
        {
          "action": "FailIndex",
          "onExitCodes": {
            "containerName": "eigenshard",
            "operator": "In",
            "values": [
              2,
              3
            ]
          }
        }
      ]
    },
    "ttlSecondsAfterFinished": 604800,
    "template": {
      "metadata": {
        "labels": {
          "app.kubernetes.io/name": "eigenshard",
          "app.kubernetes.io/instance": "mine-b7f07b",
          "app.kubernetes.io/component": "covariance"
        }
      },
      "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
          "runAsUser": 1000,
          "runAsGroup": 100,
          "runAsNonRoot": true,
          "seccompProfile": {
            "type": "RuntimeDefault"
          }
        },
        "containers": [
          {
            "name": "eigenshard",
            "image": "registry.example/eigenshard:0.1.0",
            "args": [
              "step",
              "/shared/runs/mine",
              "covariance",
              "--workers",
              "8"
            ],
            "env": [
              {
                "name": "EIGENSHARD_OF",
                "value": "2"
              }
            ],
            "resources": {
              "requests": {
                "cpu": "8",
                "memory": "16Gi"
              },
              "limits": {
                "memory": "16Gi"
              }
            },
            "securityContext": {
              "allowPrivilegeEscalation": false,
              "capabilities": {
                "drop": [
                  "ALL"
                ]
              }
            },
            "volumeMounts": [
              {
                "name": "shared-0",
                "mountPath": "/shared"
              }
            ]
          }
        ],
        "volumes": [
          {
            "name": "shared-0",
            "persistentVolumeClaim": {
              "claimName": "shared"
            }
          }
        ]
      }
    }
  }
}
JOB

compute eigenshard-mine-b7f07b-basis << 'JOB'
{
  "apiVersion": "batch/v1",
  "kind": "Job",
  "metadata": {
    "name": "eigenshard-mine-b7f07b-basis",
    "labels": {
      "app.kubernetes.io/name": "eigenshard",
      "app.kubernetes.io/instance": "mine-b7f07b",
      "app.kubernetes.io/component": "basis"
    }
  },
  "spec": {
    "completionMode": "Indexed",
    "completions": 1,
    "parallelism": 1,
    "backoffLimitPerIndex": 3,
    "podReplacementPolicy": "Failed",
    "podFailurePolicy": {
      "rules": [
        {
          "action": "Ignore",
          "onPodConditions": [
            {
              "type": "DisruptionTarget",
              "status": "True"
            }
          ]
        },
        {
          "action": "FailIndex",
          "onExitCodes": {
            "containerName": "eigenshard",
            "operator": "In",
            "values": [
              2,
              3
            ]
          }
        }
      ]
    },
    "ttlSecondsAfterFinished": 604800,
    "template": {
      "metadata": {
        "labels": {
          "app.kubernetes.io/name": "eigenshard",
          "app.kubernetes.io/instance": "mine-b7f07b",
          "app.kubernetes.io/component": "basis"
        }
      },
      "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
          "runAsUser": 1000,
          "runAsGroup": 100,
          "runAsNonRoot": true,
          "seccompProfile": {
            "type": "RuntimeDefault"
          }
        },
        "containers": [
          {
            "name": "eigenshard",
            "image": "registry.example/eigenshard:0.1.0",
            "args": [
              "step",
              "/shared/runs/mine",
              "basis",
              "--workers",
              "8"
            ],
            "env": [
              {
                "name": "EIGENSHARD_OF",
                "value": "1"
              }
            ],
            "resources": {
              "requests": {
                "cpu": "8",
                "memory": "16Gi"
              },
              "limits": {
                "memory": "16Gi"
              }
            },
            "securityContext": {
              "allowPrivilegeEscalation": false,
              "capabilities": {
                "drop": [
                  "ALL"
                ]
              }
            },
            "volumeMounts": [
              {
                "name": "shared-0",
                "mountPath": "/shared"
              }
            ]
          }
        ],
        "volumes": [
          {
            "name": "shared-0",
            "persistentVolumeClaim": {
              "claimName": "shared"
            }
          }
        ]
      }
    }
  }
}
JOB

compute eigenshard-mine-b7f07b-project << 'JOB'
{
  "apiVersion": "batch/v1",
  "kind": "Job",
  "metadata": {
    "name": "eigenshard-mine-b7f07b-project",
    "labels": {
      "app.kubernetes.io/name": "eigenshard",
      "app.kubernetes.io/instance": "mine-b7f07b",
      "app.kubernetes.io/component": "project"
    }
  },
  "spec": {
    "completionMode": "Indexed",
    "completions": 4,
    "parallelism": 4,
    "backoffLimitPerIndex": 3,
    "podReplacementPolicy": "Failed",
    "podFailurePolicy": {
      "rules": [
        {
          "action": "Ignore",
          "onPodConditions": [
            {
              "type": "DisruptionTarget",
              "status": "True"
            }
          ]
        },
        {
          "action": "FailIndex",
          "onExitCodes": {
            "containerName": "eigenshard",
            "operator": "In",
            "values": [
              2,
              3
            ]
          }
        }
      ]
    },
    "ttlSecondsAfterFinished": 604800,
    "template": {
      "metadata": {
        "labels": {
          "app.kubernetes.io/name": "eigenshard",
          "app.kubernetes.io/instance": "mine-b7f07b",
          "app.kubernetes.io/component": "project"
        }
      },
      "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
          "runAsUser": 1000,
          "runAsGroup": 100,
          "runAsNonRoot": true,
          "seccompProfile": {
            "type": "RuntimeDefault"
          }
        },
        "containers": [
          {
            "name": "eigenshard",
            "image": "registry.example/eigenshard:0.1.0",
            "args": [
              "step",
              "/shared/runs/mine",
              "project",
              "--workers",
              "8"
            ],
            "env": [
              {
                "name": "EIGENSHARD_OF",
                "value": "4"
              }
            ],
            "resources": {
              "requests": {
                "cpu": "8",
                "memory": "16Gi"
              },
              "limits": {
                "memory": "16Gi"
              }
            },
            "securityContext": {
              "allowPrivilegeEscalation": false,
              "capabilities": {
                "drop": [
                  "ALL"
                ]
              }
            },
            "volumeMounts": [
              {
                "name": "shared-0",
                "mountPath": "/shared"
              }
            ]
          }
        ],
        "volumes": [
          {
            "name": "shared-0",
            "persistentVolumeClaim": {
              "claimName": "shared"
            }
          }
        ]
      }
    }
  }
}
JOB

compute eigenshard-mine-b7f07b-verify << 'JOB'
{
  "apiVersion": "batch/v1",
  "kind": "Job",
  "metadata": {
    "name": "eigenshard-mine-b7f07b-verify",
    "labels": {
      "app.kubernetes.io/name": "eigenshard",
      "app.kubernetes.io/instance": "mine-b7f07b",
      "app.kubernetes.io/component": "verify"
    }
  },
  "spec": {
    "completionMode": "Indexed",
    "completions": 4,
    "parallelism": 4,
    "backoffLimitPerIndex": 3,
    "podReplacementPolicy": "Failed",
    "podFailurePolicy": {
      "rules": [
        {
          "action": "Ignore",
          "onPodConditions": [
            {
              "type": "DisruptionTarget",
              "status": "True"
            }
          ]
        },
        {
          "action": "FailIndex",
          "onExitCodes": {
            "containerName": "eigenshard",
            "operator": "In",
            "values": [
              2,
              3
            ]
          }
        }
      ]
    },
    "ttlSecondsAfterFinished": 604800,
    "template": {
      "metadata": {
        "labels": {
          "app.kubernetes.io/name": "eigenshard",
          "app.kubernetes.io/instance": "mine-b7f07b",
          "app.kubernetes.io/component": "verify"
        }
      },
      "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
          "runAsUser": 1000,
          "runAsGroup": 100,
          "runAsNonRoot": true,
          "seccompProfile": {
            "type": "RuntimeDefault"
          }
        },
        "containers": [
          {
            "name": "eigenshard",
            "image": "registry.example/eigenshard:0.1.0",
            "args": [
              "step",
              "/shared/runs/mine",
              "verify",
              "--workers",
              "8"
            ],
            "env": [
              {
                "name": "EIGENSHARD_OF",
                "value": "4"
              }
            ],
            "resources": {
              "requests": {
                "cpu": "8",
                "memory": "16Gi"
              },
              "limits": {
                "memory": "16Gi"
              }
            },
            "securityContext": {
              "allowPrivilegeEscalation": false,
              "capabilities": {
                "drop": [
                  "ALL"
                ]
              }
            },
            "volumeMounts": [
              {
                "name": "shared-0",
                "mountPath": "/shared"
              }
            ]
          }
        ],
        "volumes": [
          {
            "name": "shared-0",
            "persistentVolumeClaim": {
              "claimName": "shared"
            }
          }
        ]
      }
    }
  }
}
JOB

compute eigenshard-mine-b7f07b-finish << 'JOB'
{
  "apiVersion": "batch/v1",
  "kind": "Job",
  "metadata": {
    "name": "eigenshard-mine-b7f07b-finish",
    "labels": {
      "app.kubernetes.io/name": "eigenshard",
      "app.kubernetes.io/instance": "mine-b7f07b",
      "app.kubernetes.io/component": "finish"
    }
  },
  "spec": {
    "completionMode": "Indexed",
    "completions": 1,
    "parallelism": 1,
    "backoffLimitPerIndex": 3,
    "podReplacementPolicy": "Failed",
    "podFailurePolicy": {
      "rules": [
        {
          "action": "Ignore",
          "onPodConditions": [
            {
              "type": "DisruptionTarget",
              "status": "True"
            }
          ]
        },
        {
          "action": "FailIndex",
          "onExitCodes": {
            "containerName": "eigenshard",
            "operator": "In",
            "values": [
              2,
              3
            ]
          }
        }
      ]
    },
    "ttlSecondsAfterFinished": 604800,
    "template": {
      "metadata": {
        "labels": {
          "app.kubernetes.io/name": "eigenshard",
          "app.kubernetes.io/instance": "mine-b7f07b",
          "app.kubernetes.io/component": "finish"
        }
      },
      "spec": {
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
          "runAsUser": 1000,
          "runAsGroup": 100,
          "runAsNonRoot": true,
          "seccompProfile": {
            "type": "RuntimeDefault"
          }
        },
        "containers": [
          {
            "name": "eigenshard",
            "image": "registry.example/eigenshard:0.1.0",
            "args": [
              "step",
              "/shared/runs/mine",
              "finish",
              "--workers",
              "8"
            ],
            "env": [
              {
                "name": "EIGENSHARD_OF",
                "value": "1"
              }
            ],
            "resources": {
              "requests": {
                "cpu": "8",
                "memory": "16Gi"
              },
              "limits": {
                "memory": "16Gi"
              }
            },
            "securityContext": {
              "allowPrivilegeEscalation": false,
              "capabilities": {
                "drop": [
                  "ALL"
                ]
              }
            },
            "volumeMounts": [
              {
                "name": "shared-0",
                "mountPath": "/shared"
              }
            ]
          }
        ],
        "volumes": [
          {
            "name": "shared-0",
            "persistentVolumeClaim": {
              "claimName": "shared"
            }
          }
        ]
      }
    }
  }
}
JOB
