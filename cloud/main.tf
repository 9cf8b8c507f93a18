# A MIDI Hub on one Google Cloud machine with an address of its own, by Terraform or OpenTofu. What it costs and how to remove
# it is in cloud/README.md. The same inputs and outputs as cloud/aws.yaml; the machine's user data is cloud/user-data.yaml.
#
#   terraform init
#   terraform apply -var project=PROJECT -var hub_url=https://… -var hub_sha256=…

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.0, < 8.0"
    }
  }
}

variable "project" {
  type        = string
  description = "The Google Cloud project; the Compute Engine API must be enabled in it, for a token also Secret Manager"
}

variable "region" {
  type        = string
  default     = "europe-west3"
  description = "The region; measure from every player before you choose, see cloud/README.md"
}

variable "zone" {
  type        = string
  default     = "b"
  description = "The letter of the zone in the region"
}

variable "hub_url" {
  type        = string
  description = "Where the hub's .deb for this kind of machine lies"
  validation {
    condition     = can(regex("^https?://[^[:space:]]+$", var.hub_url))
    error_message = "This is no http address."
  }
}

variable "hub_sha256" {
  type        = string
  description = "Its SHA-256"
  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.hub_sha256))
    error_message = "A SHA-256 has 64 digits 0-9, a-f."
  }
}

variable "rtpmidid_url" {
  type        = string
  default     = ""
  description = "Where rtpmidid's .deb lies, if it is wanted"
  validation {
    condition     = can(regex("^(https?://[^[:space:]]+)?$", var.rtpmidid_url))
    error_message = "This is no http address."
  }
}

variable "rtpmidid_sha256" {
  type        = string
  default     = ""
  description = "Its SHA-256"
  validation {
    condition     = can(regex("^([0-9a-f]{64})?$", var.rtpmidid_sha256))
    error_message = "A SHA-256 has 64 digits 0-9, a-f."
  }
}

variable "name" {
  type        = string
  default     = "MIDI Hub"
  description = "What players see"
  validation {
    condition     = can(regex("^[^\"\\\\[:cntrl:]]{1,63}$", var.name))
    error_message = "A name has 1 to 63 letters, no quotes and no backslash."
  }
}

variable "first_port" {
  type        = number
  default     = 5004
  description = "The first UDP port; each room takes two"
  validation {
    condition     = var.first_port >= 1024 && var.first_port < 65534
    error_message = "The first port is from 1024 to 65533."
  }
}

variable "last_port" {
  type        = number
  default     = 5005
  description = "The last UDP port (5005 for one room, 5007 for two, and so on)"
  validation {
    condition     = var.last_port > 1024 && var.last_port < 65535
    error_message = "The last port is from 1025 to 65534."
  }
}

variable "engine" {
  type        = string
  default     = "auto"
  description = "What carries the MIDI: auto, rtpmidid or embedded"
  validation {
    condition     = contains(["auto", "rtpmidid", "embedded"], var.engine)
    error_message = "The engine is auto, rtpmidid or embedded."
  }
}

variable "launcher" {
  type        = string
  default     = "systemd"
  description = "What starts the hub: systemd or cron"
  validation {
    condition     = contains(["systemd", "cron"], var.launcher)
    error_message = "The launcher is systemd or cron."
  }
}

variable "page_host" {
  type        = string
  default     = ""
  description = "The page's host name, which you point to the address of the outputs; without one the page is not shown"
  validation {
    condition     = can(regex("^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)?$", var.page_host))
    error_message = "This is no host name."
  }
}

variable "token_parameter" {
  type        = string
  default     = ""
  description = "The secret of Secret Manager that is made, and that the machine writes its token into; empty for none"
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]*$", var.token_parameter))
    error_message = "A secret's name has letters, digits, - and _."
  }
}

variable "instance_type" {
  type        = string
  default     = "e2-micro"
  description = "The size of the machine, of the architecture of image and of the packages"
}

variable "image" {
  type        = string
  default     = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
  description = "The image's family; Google's Debian images have no cloud-init"
}

variable "ssh_from" {
  type        = string
  default     = ""
  description = "The addresses that may use SSH, such as 192.0.2.7/32; empty for none"
}

locals {
  settings = {
    HUB_URL         = var.hub_url
    HUB_SHA256      = var.hub_sha256
    RTPMIDID_URL    = var.rtpmidid_url
    RTPMIDID_SHA256 = var.rtpmidid_sha256
    ENGINE          = var.engine
    LAUNCHER        = var.launcher
    PORTS           = "${var.first_port}-${var.last_port}"
    NAME            = var.name
    PAGE_HOST       = var.page_host
    TOKEN_PARAMETER = var.token_parameter
  }
  # The lines of the settings are replaced; everything else stays as it is in the file.
  user_data = join("\n", [
    for line in split("\n", file("${path.module}/user-data.yaml")) : try(
      format("    %s=%s", regex("^    ([A-Z0-9_]+)=", line)[0], local.settings[regex("^    ([A-Z0-9_]+)=", line)[0]]),
      line,
    )
  ])
  zone      = "${var.region}-${var.zone}"
  web_ports = var.page_host == "" ? [] : ["80", "443"]
  machine   = "--project ${var.project} --zone ${local.zone} ${google_compute_instance.hub.name}"
}

provider "google" {
  project = var.project
  region  = var.region
}

# A network of its own: the default one lets SSH in from everywhere.
resource "google_compute_network" "hub" {
  name                    = "midihub"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "hub" {
  name          = "midihub"
  network       = google_compute_network.hub.id
  ip_cidr_range = "10.77.0.0/28"
}

resource "google_compute_firewall" "hub" {
  name          = "midihub"
  network       = google_compute_network.hub.id
  source_ranges = ["0.0.0.0/0"]

  allow {
    protocol = "udp"
    ports    = concat(["${var.first_port}-${var.last_port}"], var.page_host == "" ? [] : ["443"])
  }

  dynamic "allow" {
    for_each = var.page_host == "" ? [] : [local.web_ports]
    content {
      protocol = "tcp"
      ports    = allow.value
    }
  }
}

resource "google_compute_firewall" "ssh" {
  count         = var.ssh_from == "" ? 0 : 1
  name          = "midihub-ssh"
  network       = google_compute_network.hub.id
  source_ranges = [var.ssh_from]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

# Only where there is a token to write: an account that can do nothing but that.
resource "google_service_account" "hub" {
  count        = var.token_parameter == "" ? 0 : 1
  account_id   = "midihub"
  display_name = "MIDI Hub: writes its token"
}

resource "google_secret_manager_secret" "token" {
  count     = var.token_parameter == "" ? 0 : 1
  secret_id = var.token_parameter

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "token" {
  count     = var.token_parameter == "" ? 0 : 1
  secret_id = google_secret_manager_secret.token[0].id
  role      = "roles/secretmanager.secretVersionAdder"
  member    = "serviceAccount:${google_service_account.hub[0].email}"
}

resource "google_compute_address" "hub" {
  name = "midihub"
}

resource "google_compute_instance" "hub" {
  name         = "midihub"
  machine_type = var.instance_type
  zone         = local.zone
  depends_on   = [google_secret_manager_secret_iam_member.token]

  boot_disk {
    initialize_params {
      image = var.image
      size  = 10
    }
  }

  network_interface {
    subnetwork = google_compute_subnetwork.hub.id

    access_config {
      nat_ip = google_compute_address.hub.address
    }
  }

  metadata = {
    user-data = local.user_data
  }

  dynamic "service_account" {
    for_each = google_service_account.hub[*].email
    content {
      email  = service_account.value
      scopes = ["cloud-platform"]
    }
  }

  shielded_instance_config {
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }
}

output "addresses" {
  description = "What players connect to"
  value       = "${google_compute_address.hub.address}, UDP ${var.first_port} to ${var.last_port}"
}

output "page_url" {
  description = "The page"
  value = (var.page_host == "" ? "on the machine only, http://127.0.0.1:8080/"
  : "https://${var.page_host}/ (point ${var.page_host} to ${google_compute_address.hub.address})")
}

output "token" {
  description = "How to read the token"
  value = (var.token_parameter == "" ? "on the machine, as root, cat /var/lib/midihub/token"
  : "gcloud secrets versions access latest --project ${var.project} --secret ${var.token_parameter}")
}

output "progress" {
  description = "How the first boot went"
  value       = "gcloud compute instances get-serial-port-output ${local.machine} | grep midihub-setup"
}

output "stop" {
  description = "After the rehearsal"
  value       = "gcloud compute instances stop ${local.machine}"
}

output "start" {
  description = "Before the next one; the address stays"
  value       = "gcloud compute instances start ${local.machine}"
}

output "idle_cost" {
  description = "What it costs while it is stopped"
  value       = "about 8 USD a month (the address that nothing uses, and 10 GB of disk)"
}

output "remove" {
  description = "All of it"
  value       = "terraform destroy"
}
