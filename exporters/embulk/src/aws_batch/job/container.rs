//! The container of a job that runs Embulk, and what is known of its attempts: ECS tasks with one container, with
//! several, and pods.

use aws_sdk_batch::types::{
    AttemptDetail, ContainerDetail, EksAttemptDetail, EksContainerDetail, JobDetail, LogConfiguration, LogDriver,
    TaskContainerDetails,
};

use super::{Attempt, LogPlace};

/// A container.
#[derive(Debug, Default)]
pub struct Container {
    /// Its name among several.
    name: Option<String>,
    /// Image; empty if unknown.
    pub image: String,
    /// Command line.
    pub command: Vec<String>,
    /// Where its logs are.
    pub log: LogPlace,
    /// What its last attempt left.
    pub left: Attempt,
}

impl Container {
    /// The one that says Embulk, else the first.
    pub fn main(detail: &JobDetail) -> Self {
        let all = Self::all(detail);
        let at = all.iter().position(Self::says_embulk).unwrap_or(0);
        all.into_iter().nth(at).unwrap_or_default()
    }

    fn all(detail: &JobDetail) -> Vec<Self> {
        if let Some(container) = &detail.container {
            return vec![Self::single(container)];
        }
        let tasks = detail.ecs_properties.iter().flat_map(|ecs| ecs.task_properties());
        let of_task = tasks.flat_map(|task| task.containers()).map(Self::of_task);
        let pods = detail.eks_properties.iter().filter_map(|eks| eks.pod_properties());
        let of_pod = pods.flat_map(|pod| pod.containers()).map(Self::of_pod);
        of_task.chain(of_pod).chain(Self::of_nodes(detail)).collect()
    }

    fn single(container: &ContainerDetail) -> Self {
        Self {
            name: None,
            image: container.image.clone().unwrap_or_default(),
            command: container.command().to_vec(),
            log: log_place(container.log_configuration.as_ref()),
            left: attempt(container.exit_code, container.reason.as_deref(), container.log_stream_name.as_deref()),
        }
    }

    fn of_task(container: &TaskContainerDetails) -> Self {
        Self {
            name: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            command: container.command().to_vec(),
            log: log_place(container.log_configuration.as_ref()),
            left: attempt(container.exit_code, container.reason.as_deref(), container.log_stream_name.as_deref()),
        }
    }

    /// Logs of pods are where the cluster puts them.
    fn of_pod(container: &EksContainerDetail) -> Self {
        Self {
            name: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            command: container.command().iter().chain(container.args()).cloned().collect(),
            log: LogPlace::Elsewhere,
            left: as_pod(container.exit_code, container.reason.as_deref()),
        }
    }

    fn of_nodes(detail: &JobDetail) -> impl Iterator<Item = Self> {
        let ranges = detail.node_properties.iter().flat_map(|nodes| nodes.node_range_properties());
        ranges.filter_map(|range| range.container()).map(|container| Self {
            image: container.image.clone().unwrap_or_default(),
            command: container.command().to_vec(),
            log: log_place(container.log_configuration.as_ref()),
            ..Self::default()
        })
    }

    fn says_embulk(&self) -> bool {
        let says = |text: &String| text.to_ascii_lowercase().contains("embulk");
        says(&self.image) || self.command.iter().any(says)
    }

    /// The attempts, as this container saw them.
    pub fn attempts(&self, detail: &JobDetail) -> Vec<Attempt> {
        let on_ecs = detail.attempts().iter().map(|tried| self.tried(tried));
        let on_eks = detail.eks_attempts().iter().map(|tried| self.tried_as_pod(tried));
        on_ecs.chain(on_eks).collect()
    }

    fn tried(&self, tried: &AttemptDetail) -> Attempt {
        let mut tasks = tried.task_properties().iter().flat_map(|task| task.containers());
        let mine = tasks.find(|container| container.name == self.name);
        let mut found = match (&tried.container, mine) {
            (Some(one), _) => attempt(one.exit_code, one.reason.as_deref(), one.log_stream_name.as_deref()),
            (None, Some(one)) => attempt(one.exit_code, one.reason.as_deref(), one.log_stream_name.as_deref()),
            (None, None) => Attempt::default(),
        };
        found.reasons.extend(words(tried.status_reason.as_deref()));
        timed(found, tried.started_at, tried.stopped_at)
    }

    fn tried_as_pod(&self, tried: &EksAttemptDetail) -> Attempt {
        let mine = tried.containers().iter().find(|container| container.name == self.name);
        let mut found = mine.map(|one| as_pod(one.exit_code, one.reason.as_deref())).unwrap_or_default();
        found.reasons.extend(words(tried.status_reason.as_deref()));
        timed(found, tried.started_at, tried.stopped_at)
    }
}

fn attempt(exit_code: Option<i32>, reason: Option<&str>, stream: Option<&str>) -> Attempt {
    let log_stream = words(stream).next();
    Attempt { exit_code, reasons: words(reason).collect(), log_stream, ..Attempt::default() }
}

fn as_pod(exit_code: Option<i32>, reason: Option<&str>) -> Attempt {
    Attempt { exit_code, pod_reason: words(reason).next(), ..Attempt::default() }
}

fn timed(attempt: Attempt, started: Option<i64>, stopped: Option<i64>) -> Attempt {
    Attempt { started_ms: started.filter(|at| *at > 0), stopped_ms: stopped.filter(|at| *at > 0), ..attempt }
}

fn words(text: Option<&str>) -> impl Iterator<Item = String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).into_iter()
}

fn log_place(log: Option<&LogConfiguration>) -> LogPlace {
    let Some(log) = log else { return LogPlace::Usual };
    if log.log_driver.as_ref().is_some_and(|driver| *driver != LogDriver::Awslogs) {
        return LogPlace::Elsewhere;
    }
    let group = log.options.as_ref().and_then(|options| options.get("awslogs-group"));
    group.map_or(LogPlace::Usual, |group| LogPlace::Group(group.clone()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_batch::types::{
        AttemptEcsTaskDetails, AttemptTaskContainerDetails, EcsPropertiesDetail, EcsTaskDetails,
        EksAttemptContainerDetail, EksPodPropertiesDetail, EksPropertiesDetail,
    };

    use super::*;

    #[test]
    fn among_several_containers_of_a_task_embulk_is_followed() {
        let container = |name: &str, image: &str| TaskContainerDetails::builder().name(name).image(image).build();
        let task = EcsTaskDetails::builder().containers(container("proxy", "sql-proxy:1"));
        let task = task.containers(container("load", "shop/embulk:3")).build();
        let left = |name: &str, code| {
            let stream = format!("loads/{name}/1");
            AttemptTaskContainerDetails::builder().name(name).exit_code(code).log_stream_name(stream).build()
        };
        let tried = AttemptEcsTaskDetails::builder().containers(left("proxy", 0)).containers(left("load", 1)).build();
        let tried = AttemptDetail::builder().task_properties(tried).started_at(5).stopped_at(9).status_reason("x");
        let detail = JobDetail::builder()
            .ecs_properties(EcsPropertiesDetail::builder().task_properties(task).build())
            .attempts(tried.build());
        let detail = detail.build();
        let main = Container::main(&detail);
        let attempts = main.attempts(&detail);
        assert_eq!((main.image.as_str(), attempts[0].exit_code), ("shop/embulk:3", Some(1)));
        assert_eq!((attempts[0].log_stream.as_deref(), attempts[0].stopped_ms), (Some("loads/load/1"), Some(9)));
        assert_eq!(attempts[0].reasons, ["x"]);
    }

    #[test]
    fn a_pod_has_exit_codes_and_no_log_here() {
        let container = EksContainerDetail::builder().name("load").command("embulk").args("run").args("a.yml").build();
        let pod = EksPodPropertiesDetail::builder().containers(container).build();
        let left = EksAttemptContainerDetail::builder().name("load").exit_code(137).reason("OOMKilled").build();
        let tried = EksAttemptDetail::builder().containers(left).started_at(5).stopped_at(9).build();
        let detail = JobDetail::builder()
            .eks_properties(EksPropertiesDetail::builder().pod_properties(pod).build())
            .eks_attempts(tried)
            .build();
        let main = Container::main(&detail);
        assert_eq!((main.command.join(" "), &main.log), ("embulk run a.yml".to_owned(), &LogPlace::Elsewhere));
        let attempt = &main.attempts(&detail)[0];
        assert_eq!((attempt.exit_code, attempt.pod_reason.as_deref()), (Some(137), Some("OOMKilled")));
    }
}
