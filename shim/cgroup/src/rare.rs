//! Resources that hardly any container has, set by cgroups-rs: block I/O, network classes, real-time CPU.
use std::path::{Path, PathBuf};

use cgroups_rs::fs::{
    blkio::BlkIoController, cpu::CpuController, error::Error as RsError, net_cls::NetClsController,
    net_prio::NetPrioController,
};
use oci_spec::runtime::{LinuxBlockIo, LinuxResources};

use crate::error::{Error, Result};

/// The group's directories by controller; `None` where the node lacks it.
pub(crate) trait Directories {
    fn of(&self, controller: &'static str) -> Option<PathBuf>;
}

/// Sets what `resources` names of them. Mostly nothing.
pub(crate) fn set(resources: &LinuxResources, dirs: &impl Directories, v2: bool) -> Result<()> {
    if let Some(io) = resources.block_io() {
        let dir = needed(dirs, if v2 { "io" } else { "blkio" })?;
        let controller = BlkIoController::new(dir.clone(), dir.clone(), v2);
        block_io(&controller, io).map_err(named("blockIO", &dir))?;
    }
    if let Some(network) = resources.network() {
        if let Some(class) = network.class_id() {
            let dir = needed(dirs, "net_cls")?;
            let controller = NetClsController::new(dir.clone(), dir.clone());
            controller.set_class(class.into()).map_err(named("network.classID", &dir))?;
        }
        for priority in network.priorities().iter().flatten() {
            let dir = needed(dirs, "net_prio")?;
            let controller = NetPrioController::new(dir.clone(), dir.clone());
            let set = controller.set_if_prio(priority.name(), priority.priority().into());
            set.map_err(named("network.priorities", &dir))?;
        }
    }
    let Some(cpu) = resources.cpu() else { return Ok(()) };
    if cpu.realtime_runtime().is_some() || cpu.realtime_period().is_some() {
        let dir = needed(dirs, "cpu")?;
        let controller = CpuController::new(dir.clone(), dir.clone(), v2);
        let period = cpu.realtime_period().map_or(Ok(()), |period| controller.set_rt_period_us(period));
        let both = period
            .and_then(|()| cpu.realtime_runtime().map_or(Ok(()), |time| controller.set_rt_runtime(time)));
        both.map_err(named("cpu.realtimeRuntime", &dir))?;
    }
    Ok(())
}

fn block_io(controller: &BlkIoController, io: &LinuxBlockIo) -> std::result::Result<(), RsError> {
    if let Some(weight) = io.weight() {
        controller.set_weight(weight.into())?;
    }
    if let Some(weight) = io.leaf_weight() {
        controller.set_leaf_weight(weight.into())?;
    }
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    for device in io.weight_device().iter().flatten() {
        let (major, minor) = (number(device.major()), number(device.minor()));
        if let Some(weight) = device.weight() {
            controller.set_weight_for_device(major, minor, weight.into())?;
        }
        if let Some(weight) = device.leaf_weight() {
            controller.set_leaf_weight_for_device(major, minor, weight.into())?;
        }
    }
    type Throttle = fn(&BlkIoController, u64, u64, u64) -> std::result::Result<(), RsError>;
    let throttles: [(_, Throttle); 4] = [
        (io.throttle_read_bps_device(), BlkIoController::throttle_read_bps_for_device),
        (io.throttle_write_bps_device(), BlkIoController::throttle_write_bps_for_device),
        (io.throttle_read_iops_device(), BlkIoController::throttle_read_iops_for_device),
        (io.throttle_write_iops_device(), BlkIoController::throttle_write_iops_for_device),
    ];
    for (devices, throttle) in throttles {
        for device in devices.iter().flatten() {
            throttle(controller, number(device.major()), number(device.minor()), device.rate())?;
        }
    }
    Ok(())
}

fn needed(dirs: &impl Directories, controller: &'static str) -> Result<PathBuf> {
    dirs.of(controller).ok_or_else(|| Error::Missing { path: PathBuf::from(controller) })
}

fn named<'a>(what: &'static str, dir: &'a Path) -> impl Fn(RsError) -> Error + 'a {
    move |source| Error::Rare { what, path: dir.to_owned(), source }
}
