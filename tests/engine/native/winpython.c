/* python.exe for the bench: hand the command line to python39.dll.
 *
 * The wheel that brings python39.dll is meant for programs that embed Python and has no python.exe.
 * The genuine one is this same call and nothing else. */
#include <stdio.h>
#include <windows.h>

typedef int (*py_main)(int, wchar_t **);

int wmain(int argc, wchar_t **argv)
{
    HMODULE python = LoadLibraryW(L"python39.dll");
    py_main run = python ? (py_main)(void *)GetProcAddress(python, "Py_Main") : NULL;
    if (!run) {
        fprintf(stderr, "python.exe: cannot load python39.dll (error %lu)\n", GetLastError());
        return 99;
    }
    return run(argc, argv);
}
