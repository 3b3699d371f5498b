//! What of the operating system decides whether a device is found: its family, drivers' variables, where files may lie.

use std::path::{Path, PathBuf};

/// Variables that change which device is taken, or how fast it is, with what they do.
const VARIABLES: &[(&str, &str)] = &[
    ("WGPU_BACKEND", "Only the backends that it names are looked at. Unset it to have all."),
    ("WGPU_ADAPTER_NAME", "softq chooses by --device, not by this name."),
    ("VK_DRIVER_FILES", "Only the Vulkan drivers that it names are looked at."),
    ("VK_ICD_FILENAMES", "Only the Vulkan drivers that it names are looked at."),
    ("LIBGL_ALWAYS_SOFTWARE", "OpenGL runs on the CPU."),
    ("MESA_VK_DEVICE_SELECT", "Mesa's layer chooses among Vulkan devices before softq sees them."),
    ("CUDA_VISIBLE_DEVICES", "softq does not use CUDA; --device vulkan:1 takes the second GPU."),
    ("RAYON_NUM_THREADS", "The CPU executor has that many threads."),
    ("SOFTQ_CHECKED", "Shaders run with bounds and loop checks, which is slower."),
];

/// The machine as far as it matters.
#[derive(Clone, Debug, Default)]
pub struct System {
    /// Its name, for people.
    pub name: String,
    /// Identifiers of the system and of those that it is like: `debian`, `fedora`, `arch`, `macos`, `windows`.
    pub family: Vec<String>,
    /// Whether NVIDIA's kernel driver is loaded.
    pub nvidia: bool,
    /// Variables of the environment that matter here, with their values.
    pub variables: Vec<(&'static str, String)>,
    /// Driver files that a variable names and that do not exist.
    pub missing_drivers: Vec<PathBuf>,
    /// Why no file can be written here.
    pub unwritable: Option<String>,
}

impl System {
    /// This machine.
    pub fn here() -> System {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let field = |key: &str| {
            let value = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
            Some(value.trim_matches('"').to_owned())
        };
        let family = [field("ID"), field("ID_LIKE")];
        let mut family: Vec<String> =
            family.iter().flatten().flat_map(|ids| ids.split(' ')).map(str::to_owned).collect();
        family.push(std::env::consts::OS.to_owned());
        let set = |(name, _): &(&'static str, &str)| {
            let value = std::env::var_os(name)?.to_string_lossy().into_owned();
            Some((*name, value))
        };
        let variables: Vec<(&'static str, String)> = VARIABLES.iter().filter_map(set).collect();
        let of_drivers = variables.iter().filter(|(name, _)| name.starts_with("VK_"));
        let paths = of_drivers.flat_map(|(_, value)| std::env::split_paths(value).collect::<Vec<_>>());
        System {
            name: field("PRETTY_NAME").unwrap_or_else(|| std::env::consts::OS.to_owned()),
            family,
            nvidia: Path::new("/proc/driver/nvidia/version").exists(),
            missing_drivers: paths.filter(|path| !path.as_os_str().is_empty() && !path.exists()).collect(),
            unwritable: unwritable(Path::new(".")),
            variables,
        }
    }

    /// What a variable does.
    pub fn meaning(variable: &str) -> &'static str {
        VARIABLES.iter().find(|(name, _)| *name == variable).map_or("", |(_, meaning)| meaning)
    }

    /// What to install for a driver to be found.
    pub fn install(&self) -> String {
        let is = |name: &str| self.family.iter().any(|id| id == name);
        if is("macos") {
            return "Metal comes with macOS; inside a virtual machine or container there may be none.".into();
        }
        if is("windows") {
            return "Direct3D 12 comes with Windows; install the GPU vendor's driver.".into();
        }
        let packages = match () {
            () if is("debian") || is("ubuntu") => "`apt-get install mesa-vulkan-drivers libvulkan1`",
            () if is("fedora") || is("rhel") => "`dnf install mesa-vulkan-drivers vulkan-loader`",
            () if is("arch") => {
                "`pacman -S vulkan-icd-loader`, with vulkan-radeon, vulkan-intel or vulkan-swrast"
            }
            () if is("alpine") => {
                "`apk add vulkan-loader`, with mesa-vulkan-ati, mesa-vulkan-intel or mesa-vulkan-swrast"
            }
            () if is("suse") || is("opensuse") => {
                "`zypper install libvulkan1`, with libvulkan_radeon or libvulkan_intel"
            }
            () => "a Vulkan loader and Mesa's Vulkan drivers from the system's packages",
        };
        let nvidia = match self.nvidia {
            true => {
                " NVIDIA's kernel driver is loaded, so its Vulkan library is what is missing; in a container set \
                     NVIDIA_DRIVER_CAPABILITIES=all."
            }
            false => " NVIDIA's GPUs need NVIDIA's own driver.",
        };
        format!(
            "For AMD, Intel and a software driver: {packages}.{nvidia} Without a driver, --device cpu trains."
        )
    }
}

/// Why a file cannot be made in `dir`; none if it can.
pub fn unwritable(dir: &Path) -> Option<String> {
    let path = dir.join(format!(".softq-try-{}", std::process::id()));
    let made = std::fs::File::create_new(&path).and_then(|_| std::fs::remove_file(&path));
    made.err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_told_its_own_packages() {
        for (family, part) in [
            ("debian", "apt-get"),
            ("fedora", "dnf"),
            ("arch", "pacman"),
            ("alpine", "apk"),
            ("opensuse", "zypper"),
            ("macos", "Metal"),
            ("windows", "Direct3D"),
            ("haiku", "Vulkan loader"),
        ] {
            let system = System { family: vec![family.into()], ..System::default() };
            assert!(system.install().contains(part), "{family}: {}", system.install());
        }
        let nvidia = System { nvidia: true, family: vec!["debian".into()], ..System::default() };
        assert!(nvidia.install().contains("NVIDIA_DRIVER_CAPABILITIES"));
        assert!(
            VARIABLES.iter().all(|(name, meaning)| System::meaning(name) == *meaning && !meaning.is_empty())
        );
    }

    #[test]
    fn places_that_take_no_files_are_known() {
        let dir = tempfile::tempdir().expect("folder");
        assert_eq!(unwritable(dir.path()), None);
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 0);
        assert!(unwritable(&dir.path().join("missing")).is_some());
        assert!(!System::here().name.is_empty());
    }
}
