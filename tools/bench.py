"""`make bench`: the speed of the codecs, each compared in one run with something a reader knows, and the longest
turns of what takes long."""

import bench_echonet
import bench_plan
import bench_spine
import bench_update

if __name__ == "__main__":
    bench_echonet.main()
    bench_spine.main()
    bench_update.main()
    bench_plan.main()
