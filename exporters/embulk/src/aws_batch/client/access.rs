//! How AWS is reached: credentials as every AWS tool finds them, TLS by rustls, the SDK's own retries.

use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_batch::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_batch::config::{ConfigBag, Credentials, Intercept, RuntimeComponents};
use aws_sdk_batch::error::BoxError;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use footprint_common::telemetry::Telemetry;

use crate::aws_batch::config::Settings;

const TRIES: u32 = 3;

/// Clients of Batch and of CloudWatch Logs. Credentials come from environment variables, the shared
/// configuration files, a web identity, the container's or the machine's role.
pub async fn clients(
    settings: &Settings,
    telemetry: Arc<Telemetry>,
) -> (aws_sdk_batch::Client, aws_sdk_cloudwatchlogs::Client) {
    let shared = shared(settings).await;
    let count = |api| Count { api, telemetry: telemetry.clone() };
    let batch = aws_sdk_batch::config::Builder::from(&shared).interceptor(count("aws_batch"));
    let logs = aws_sdk_cloudwatchlogs::config::Builder::from(&shared).interceptor(count("cloudwatch_logs"));
    (aws_sdk_batch::Client::from_conf(batch.build()), aws_sdk_cloudwatchlogs::Client::from_conf(logs.build()))
}

async fn shared(settings: &Settings) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let pace = settings.pace;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(pace.answer / 2)
        .read_timeout(pace.answer)
        .operation_attempt_timeout(pace.answer)
        .operation_timeout(pace.answer * 2);
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .http_client(http)
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(pace.backoff));
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    credentials(settings, loader).load().await
}

fn credentials(settings: &Settings, loader: ConfigLoader) -> ConfigLoader {
    match &settings.profile {
        Some(profile) => loader.profile_name(profile),
        None if settings.anonymous => {
            loader.credentials_provider(Credentials::new("anonymous", "anonymous", None, None, "anonymous"))
        }
        None => loader,
    }
}

/// Counts every request, also those that the SDK repeats.
#[derive(Debug)]
struct Count {
    api: &'static str,
    telemetry: Arc<Telemetry>,
}

impl Intercept for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let status = context.response().map(|response| response.status().as_u16());
        let code = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
        self.telemetry.count_request(self.api, &code);
        Ok(())
    }
}
