import type { Mirror } from './mirror.js';

/** Units that only matter to a machine with hardware of its own, or cost a container's boot time for nothing. */
const masked = [
  'apt-daily-upgrade.timer',
  'apt-daily.timer',
  'console-getty.service',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'e2scrub_all.service',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.service',
  'fstrim.timer',
  'getty.target',
  'getty@.service',
  'hwclock.service',
  'ifupdown-pre.service',
  'kmod-static-nodes.service',
  'modprobe@.service',
  'networking.service',
  'proc-sys-fs-binfmt_misc.automount',
  'proc-sys-fs-binfmt_misc.mount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-binfmt.service',
  'systemd-firstboot.service',
  'systemd-initctl.socket',
  'systemd-journal-flush.service',
  'systemd-modules-load.service',
  'systemd-pstore.service',
  'systemd-random-seed.service',
  'systemd-remount-fs.service',
  'systemd-sysusers.service',
  'systemd-tmpfiles-setup-dev.service',
  'systemd-tmpfiles-setup-dev-early.service',
  'systemd-udev-trigger.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
  'systemd-udevd.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-update-utmp.service',
];

/**
 * Programs that make units of a machine's disks, consoles and kernel command line before anything else may start, a
 * process each. Those for `/etc/fstab`, `/etc/init.d` and `/etc/rc.local` stay: a container may have all three.
 */
const maskedGenerators = [
  'systemd-bless-boot-generator',
  'systemd-cryptsetup-generator',
  'systemd-debug-generator',
  'systemd-getty-generator',
  'systemd-gpt-auto-generator',
  'systemd-hibernate-resume-generator',
  'systemd-integritysetup-generator',
  'systemd-run-generator',
  'systemd-ssh-generator',
  'systemd-system-update-generator',
  'systemd-tpm2-generator',
  'systemd-veritysetup-generator',
];

/** In place of systemd's own, which much of a boot waits for, and which costs a stop one more process. */
const flushing = [
  '[Unit]',
  'Description=Keep the journal on the disk',
  'DefaultDependencies=no',
  'Requires=systemd-journald.service',
  'After=systemd-journald.service',
  '[Service]',
  'Type=oneshot',
  'RemainAfterExit=yes',
  'ExecStart=/usr/bin/journalctl --flush',
];

/**
 * What makes a fresh Debian fit to be many containers. Runs inside it, as its root.
 *
 * Nothing of the host's stays (name, resolver), and nothing that must differ between containers (machine id, host keys);
 * systemd makes a machine id of its own at first boot where the file is empty. The journal stays on the disk, so that it can be
 * read while the container is off; files of 2 MiB, because journald takes a whole one at once. `policy-rc.d` is there, empty and not
 * executable, so that lines have a file to bind theirs over.
 */
const script = `
set -e
for unit in ${masked.join(' ')}; do ln -sf /dev/null "/etc/systemd/system/$unit"; done
mkdir -p /etc/systemd/system-generators
for name in ${maskedGenerators.join(' ')}; do ln -sf /dev/null "/etc/systemd/system-generators/$name"; done
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
printf '%s' "$SOURCES" > /etc/apt/sources.list
printf '%s\\n' 'Acquire::Languages "none";' 'APT::Keep-Downloaded-Packages "false";' 'APT::Update::Error-Mode "any";' 'Acquire::Retries "3";' > /etc/apt/apt.conf.d/90berth
: > /etc/machine-id
rm -f /etc/dpkg/dpkg.cfg.d/draft /var/lib/dbus/machine-id /etc/hostname /etc/ssh/ssh_host_*
printf '127.0.0.1\\tlocalhost\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' > /etc/hosts
mkdir -p /etc/systemd/journald.conf.d /etc/systemd/system/multi-user.target.wants
printf '%s\\n' ${flushing.map((line) => `'${line}'`).join(' ')} > /etc/systemd/system/journal-to-disk.service
ln -sf ../journal-to-disk.service /etc/systemd/system/multi-user.target.wants/journal-to-disk.service
printf '%s\\n' '[Journal]' Storage=persistent SystemMaxUse=16M SystemMaxFileSize=2M > /etc/systemd/journald.conf.d/berth.conf
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/cache/debconf/*-old
rm -rf /var/log/bootstrap.log /var/log/dpkg.log /var/log/alternatives.log /var/log/apt /var/lib/dpkg/*-old /tmp/*
: > /usr/sbin/policy-rc.d
chmod 644 /usr/sbin/policy-rc.d
`;

export const finishArgv: readonly string[] = ['/bin/sh', '-c', script];

/** What apt inside fetches from: the mirror that the base itself came from. */
export function sourcesList(suite: string, { main, security }: Mirror, hasUpdates: boolean): string {
  return [
    `deb ${main} ${suite} main`,
    ...(hasUpdates ? [`deb ${main} ${suite}-updates main`] : []),
    ...(security === undefined ? [] : [`deb ${security} ${suite}-security main`]),
    '',
  ].join('\n');
}
