package cutbank;

import com.amazon.randomcutforest.RandomCutForest;
import com.amazon.randomcutforest.config.Precision;
import com.amazon.randomcutforest.returntypes.DiVector;
import com.amazon.randomcutforest.state.RandomCutForestMapper;
import com.amazon.randomcutforest.state.RandomCutForestState;
import io.protostuff.LinkedBuffer;
import io.protostuff.ProtostuffIOUtil;
import io.protostuff.Schema;
import io.protostuff.runtime.RuntimeSchema;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * AWS's forests, driven over standard input: one command a line, one line of JSON as the answer.
 *
 * <pre>
 *   open COUNT TREES SAMPLE DECAY SEED FILE    points of FILE, COUNT empty forests for them
 *   keys FILE                                  which forest each point belongs to (int32); without: the first
 *   process FROM TO [OUT]                      score each point with its forest, then learn it; scores to OUT (float64)
 *   explain FROM TO                            attribution of each point by its forest, nothing learned
 *   explained FROM TO                          attribution of each point, then learn it
 *   state REPEATS with|without                 first forest to bytes and back, with or without its trees
 *   heap                                       bytes the open forests hold
 * </pre>
 *
 * Points are little-endian: int32 columns, int32 rows, float32 values row by row. A process lives as long as a
 * measurement, so that what is timed has been compiled before; seconds are those of the wall and of this thread.
 */
public final class ForestPeer {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final Schema<RandomCutForestState> SCHEMA = RuntimeSchema.getSchema(RandomCutForestState.class);

    private float[][] points;
    private int[] keys;
    private RandomCutForest[] forests = {};
    private double sum; // of all results, so that none is computed in vain

    /** Answers commands until the input ends. */
    public static void main(String[] args) throws IOException {
        Locale.setDefault(Locale.ROOT);
        ForestPeer peer = new ForestPeer();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            System.out.println(peer.answer(line.split("\t")));
        }
    }

    private String answer(String[] words) throws IOException {
        switch (words[0]) {
            case "open":
                return open(words);
            case "keys":
                keys = integers(Path.of(words[1]));
                return "{\"keys\": " + keys.length + "}";
            case "process":
            case "explain":
            case "explained":
                return timed(words);
            case "state":
                return state(Integer.parseInt(words[1]), words[2].equals("with"));
            case "heap":
                return heap();
            default:
                throw new IllegalArgumentException("unknown command " + words[0]);
        }
    }

    private String open(String[] words) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(words[6]))).order(ByteOrder.LITTLE_ENDIAN);
        int columns = bytes.getInt();
        points = new float[bytes.getInt()][columns];
        for (float[] point : points) {
            bytes.asFloatBuffer().get(point);
            bytes.position(bytes.position() + 4 * columns);
        }
        keys = new int[points.length];
        forests = new RandomCutForest[Integer.parseInt(words[1])];
        for (int k = 0; k < forests.length; k++) {
            forests[k] = forest(columns, words);
        }
        return "{\"points\": " + points.length + "}";
    }

    /**
     * The library at its fastest: float32 points, no arrival times kept, a bounding box cached for every node, and
     * the calling thread alone.
     */
    private static RandomCutForest forest(int columns, String[] words) {
        int sample = Integer.parseInt(words[3]);
        return RandomCutForest.builder()
                .dimensions(columns)
                .numberOfTrees(Integer.parseInt(words[2]))
                .sampleSize(sample)
                .outputAfter(sample)
                .timeDecay(1.0 / Double.parseDouble(words[4]))
                .randomSeed(Long.parseLong(words[5]))
                .initialAcceptFraction(1.0)
                .compact(true)
                .precision(Precision.FLOAT_32)
                .boundingBoxCacheFraction(1.0)
                .storeSequenceIndexesEnabled(false)
                .centerOfMassEnabled(false)
                .parallelExecutionEnabled(false)
                .internalShinglingEnabled(false)
                .build();
    }

    private String timed(String[] words) throws IOException {
        int from = Integer.parseInt(words[1]);
        int to = Integer.parseInt(words[2]);
        double[] scores = words.length > 3 ? new double[to - from] : null;
        long wall = System.nanoTime();
        long thread = THREADS.getCurrentThreadCpuTime();
        if (words[0].equals("process")) {
            process(from, to, scores);
        } else {
            explain(from, to, words[0].equals("explained"));
        }
        double cpu = (THREADS.getCurrentThreadCpuTime() - thread) * 1e-9;
        double seconds = (System.nanoTime() - wall) * 1e-9;
        if (scores != null) {
            ByteBuffer bytes = ByteBuffer.allocate(8 * scores.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asDoubleBuffer().put(scores);
            Files.write(Path.of(words[3]), bytes.array());
        }
        return String.format("{\"seconds\": %.9f, \"cpu_seconds\": %.9f, \"sum\": %.6f}", seconds, cpu, sum);
    }

    private void process(int from, int to, double[] scores) {
        for (int i = from; i < to; i++) {
            RandomCutForest forest = forests[keys[i]];
            double score = forest.getAnomalyScore(points[i]);
            forest.update(points[i]);
            sum += score;
            if (scores != null) {
                scores[i - from] = score;
            }
        }
    }

    private void explain(int from, int to, boolean learning) {
        for (int i = from; i < to; i++) {
            RandomCutForest forest = forests[keys[i]];
            DiVector parts = forest.getAnomalyAttribution(points[i]);
            sum += parts.getHighLowSum(); // the score
            if (learning) {
                forest.update(points[i]);
            }
        }
    }

    private String state(int repeats, boolean trees) {
        RandomCutForestMapper mapper = new RandomCutForestMapper();
        mapper.setSaveTreeStateEnabled(trees);
        mapper.setPartialTreeStateEnabled(trees);
        mapper.setSaveExecutorContextEnabled(true);
        double[] write = new double[repeats];
        double[] read = new double[repeats];
        byte[] bytes = {};
        for (int k = 0; k < repeats; k++) {
            long start = System.nanoTime();
            bytes = ProtostuffIOUtil.toByteArray(mapper.toState(forests[0]), SCHEMA, LinkedBuffer.allocate(1 << 16));
            long written = System.nanoTime();
            RandomCutForestState state = SCHEMA.newMessage();
            ProtostuffIOUtil.mergeFrom(bytes, state, SCHEMA);
            sum += mapper.toModel(state).getTotalUpdates();
            write[k] = (written - start) * 1e-6;
            read[k] = (System.nanoTime() - written) * 1e-6;
        }
        return String.format(
                "{\"bytes\": %d, \"write_ms\": %s, \"read_ms\": %s}",
                bytes.length, Arrays.toString(write), Arrays.toString(read));
    }

    /** What goes away with the forests: their share of the heap. */
    private String heap() throws IOException {
        long with = used();
        int count = forests.length;
        forests = new RandomCutForest[0];
        return "{\"forests\": " + count + ", \"bytes\": " + (with - used()) + "}";
    }

    private static long used() {
        long least = Long.MAX_VALUE;
        for (int k = 0; k < 5; k++) {
            System.gc();
            least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
        return least;
    }

    private static int[] integers(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int[] values = new int[bytes.remaining() / 4];
        bytes.asIntBuffer().get(values);
        return values;
    }
}
