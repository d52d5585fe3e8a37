@echo off
rem Writes what user mode sees of the token of this prompt into one folder, to carry to the host and compare with
rem what the kernel holds. No elevation needed: run it in the prompt whose token you mean.
rem
rem   collect-views.cmd [FOLDER [PID]]  without FOLDER: views-COMPUTER-USER in the current folder
rem
rem   whoami.txt, whoami.list.txt, whoami.csv      whoami /all in its three forms
rem   token.json                                    collect.py, if Python and collect.py are there (copy it beside this file);
rem                                                 with PID, the token of that process instead of this prompt's
rem   windows.txt, codepage.txt                     the build, and the character set that whoami wrote in
rem
rem Not run on Windows itself by its authors: run under Wine's cmd.exe with a recording stand-in for whoami and
rem Python (tests/engine/test_vm_guest.py). Source: learn.microsoft.com, "whoami".
setlocal
set "OUT=%~1"
set "PID="
if not "%~2"=="" set "PID=--pid %~2"
if "%OUT%"=="" set "OUT=views-%COMPUTERNAME%-%USERNAME%"
if not exist "%OUT%" mkdir "%OUT%"
if not exist "%OUT%" goto no_folder
ver >"%OUT%\windows.txt"
chcp >"%OUT%\codepage.txt"
rem whoami ends with an error when, say, a domain is out of reach for the claims; the rest of its answer is good.
whoami /all >"%OUT%\whoami.txt"
if errorlevel 1 echo whoami /all reported an error; what it printed is kept.
whoami /all /fo list >"%OUT%\whoami.list.txt"
if errorlevel 1 echo whoami /all /fo list reported an error; what it printed is kept.
whoami /all /fo csv >"%OUT%\whoami.csv"
if errorlevel 1 echo whoami /all /fo csv reported an error; what it printed is kept.

set "COLLECT="
if exist "%~dp0..\..\kdtoken\collect.py" set "COLLECT=%~dp0..\..\kdtoken\collect.py"
if exist "%~dp0collect.py" set "COLLECT=%~dp0collect.py"
if not defined COLLECT echo No collect.py beside this file: whoami only. Copy kdtoken\collect.py here for the rest.
if not defined COLLECT goto done
rem The Store's python.exe is a placeholder that fails without a word: asking for the version tells a Python from it.
set PYTHONIOENCODING=utf-8
py -3 --version >nul 2>&1
if not errorlevel 1 goto with_py
python --version >nul 2>&1
if not errorlevel 1 goto with_python
echo No Python in this VM: whoami only.
goto done
:with_py
py -3 "%COLLECT%" %PID% -o "%OUT%\token.json"
goto collected
:with_python
python "%COLLECT%" %PID% -o "%OUT%\token.json"
:collected
if not errorlevel 1 goto done
echo collect.py failed (see above); the whoami files are good.
if exist "%OUT%\token.json" del "%OUT%\token.json"
:done
echo Done. Carry this folder to the host: "%OUT%"
exit /b 0
:no_folder
echo collect-views: cannot make the folder "%OUT%"
exit /b 1
