package leasehold;

import java.io.PrintStream;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsAsyncClientBuilder;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * One worker of the Java Kinesis Client Library, which says on standard output
 * what happens to it, one line each:
 *
 * <pre>
 * start
 * init SHARD
 * record SHARD SEQUENCE SUB KEY DATA    (the key URL-encoded, the data in base64)
 * end SHARD
 * lost SHARD
 * stopping SHARD                        (a handoff, or this worker stops)
 * failed MESSAGE                        (a checkpoint was refused, or the stop took too long)
 * stop
 * </pre>
 *
 * Arguments: --app --stream --worker --kinesis URL --dynamodb URL --failover MILLISECONDS.
 * It checkpoints after each batch. SIGTERM stops it gracefully. The end of standard
 * input ends it at once, so that it does not outlive the test that started it.
 */
public final class Worker {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Worker() {}

    public static void main(String[] arguments) {
        Map<String, String> args = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            args.put(arguments[i], arguments[i + 1]);
        }
        URI kinesisAt = URI.create(args.get("--kinesis"));
        URI dynamoAt = URI.create(args.get("--dynamodb"));
        String stream = args.get("--stream");

        KinesisAsyncClient kinesis = at(kinesisAt, KinesisAsyncClient.builder()).build();
        DynamoDbAsyncClient dynamo = at(dynamoAt, DynamoDbAsyncClient.builder()).build();
        // Never called: there are no metrics. The builder wants one.
        CloudWatchAsyncClient watch = at(kinesisAt, CloudWatchAsyncClient.builder()).build();

        ConfigsBuilder configs = new ConfigsBuilder(
                new SingleStreamTracker(stream, InitialPositionInStreamExtended.newInitialPosition(
                        InitialPositionInStream.TRIM_HORIZON)),
                args.get("--app"), kinesis, dynamo, watch, args.get("--worker"), Printer::new);
        Scheduler scheduler = new Scheduler(
                configs.checkpointConfig(),
                configs.coordinatorConfig(),
                configs.leaseManagementConfig().failoverTimeMillis(Long.parseLong(args.get("--failover"))),
                configs.lifecycleConfig(),
                configs.metricsConfig().metricsFactory(new NullMetricsFactory()),
                configs.processorConfig(),
                configs.retrievalConfig().retrievalSpecificConfig(new PollingConfig(stream, kinesis)));

        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(scheduler)));
        Thread guard = new Thread(Worker::endWithInput, "input");
        guard.setDaemon(true);
        guard.start();

        OUT.println("start");
        scheduler.run();
        System.exit(0);
    }

    private static <B extends AwsClientBuilder<B, C> & AwsAsyncClientBuilder<B, C>, C> B at(URI endpoint, B builder) {
        return builder.endpointOverride(endpoint)
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(
                        AwsBasicCredentials.create("000000000000", "secret")))
                .httpClientBuilder(NettyNioAsyncHttpClient.builder()
                        .protocol(Protocol.HTTP1_1)
                        .maxConcurrency(200));
    }

    private static void stop(Scheduler scheduler) {
        try {
            if (!scheduler.shutdownComplete()) {
                scheduler.startGracefulShutdown().get(30, TimeUnit.SECONDS);
            }
            OUT.println("stop");
        } catch (Exception e) {
            OUT.println("failed stop: " + e);
        }
    }

    /** Reads standard input to its end and then ends the process, without any farewell. */
    private static void endWithInput() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is expected.
            }
        } catch (java.io.IOException e) {
            // As good as the end.
        }
        Runtime.getRuntime().halt(3);
    }

    private static final class Printer implements ShardRecordProcessor {
        private String shard;

        @Override
        public void initialize(InitializationInput input) {
            shard = input.shardId();
            OUT.println("init " + shard);
        }

        @Override
        public void processRecords(ProcessRecordsInput input) {
            if (input.records().isEmpty()) {
                return;
            }
            for (KinesisClientRecord r : input.records()) {
                ByteBuffer data = r.data().duplicate();
                byte[] bytes = new byte[data.remaining()];
                data.get(bytes);
                OUT.println("record " + shard + " " + r.sequenceNumber() + " " + r.subSequenceNumber() + " "
                        + URLEncoder.encode(r.partitionKey(), StandardCharsets.UTF_8) + " "
                        + Base64.getEncoder().encodeToString(bytes));
            }
            checkpoint(input.checkpointer());
        }

        @Override
        public void leaseLost(LeaseLostInput input) {
            OUT.println("lost " + shard);
        }

        @Override
        public void shardEnded(ShardEndedInput input) {
            OUT.println("end " + shard);
            checkpoint(input.checkpointer());
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {
            OUT.println("stopping " + shard);
            checkpoint(input.checkpointer());
        }

        private void checkpoint(RecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
            } catch (ShutdownException e) {
                // The lease is somebody else's by now: leaseLost follows.
            } catch (InvalidStateException | RuntimeException e) {
                OUT.println("failed checkpoint of " + shard + ": " + e);
            }
        }
    }
}
