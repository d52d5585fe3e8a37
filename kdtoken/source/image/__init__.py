"""Physical memory of a machine that nobody debugs: .vmem, raw images, ELF cores, and Windows found in them.

Readers of others that were looked at, and why these files are our own all the same:

leechcore 2.x    reads raw images, .vmem with its region table and ELF cores, fast, in C.  Its licence is the GPL, there are
                 wheels for three platforms, it cannot be had inside WinDbg's Python, and it hands over pages with no word of
                 why one is missing.  With MemProcFS it judges these files in the bench.
libvmi           asks a running Xen or KVM; of files, raw ones only.  No wheels, no Windows.
dissect          its parts read disks, and the settings of virtual machines; there is none for their memory.
volatility3      its layers do, as a part of its framework: it judges these files in the bench.

Each format here is a table of (physical page, pages, offset in the file), some fifty lines; what the walk through page
tables needs of them is an offset for a page number, and the mapped file does the rest.
"""
